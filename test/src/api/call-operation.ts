/** A caller of the management API's operations whose rights each call names. */
import type { Scope } from '../../../src/access/principal.js';
import type { Answer, Operation } from '../../../src/api/operation.js';
import { callOperation, type OperationCall, operationOf } from '../../support/call-operation.js';
import { testActor } from '../../support/operator.js';

const principal = { kind: 'user', id: 'test', name: 'test', person: 'test', grants: [] } as const;

interface TestCall extends Pick<OperationCall, 'params' | 'query' | 'body' | 'ifMatch'> {
  readonly scope?: Scope;
}

export function createCaller(operations: readonly Operation[]) {
  return async (id: string, { scope = 'everywhere', ...call }: TestCall = {}): Promise<Answer<unknown>> => {
    const caller = { scope, principal, actor: testActor };
    return await callOperation(operationOf(operations, id), { ...call, ...caller });
  };
}
