/** Callers of the management API's operations with rights of their own. */
import type { Principal } from '../../../src/access/principal.js';
import { createOperations } from '../../../src/api/operations.js';
import type { ApiServices } from '../../../src/api/services.js';
import type { Grant } from '../../../src/model/access.js';
import { callOperation, type OperationCall, operationOf } from '../../support/call-operation.js';

type Given = Pick<OperationCall, 'params' | 'query' | 'body' | 'ifMatch'>;

export interface Caller {
  call(id: string, given?: Given): Promise<Answered>;
}

export interface Answered {
  readonly value: unknown;
  readonly location: string | undefined;
}

export function createCaller(services: ApiServices, principal: Principal): Caller {
  const operations = createOperations(services);
  return {
    call: async (id, given) => {
      const { value, location } = await callOperation(operationOf(operations, id), { ...given, principal });
      return { value, location };
    },
  };
}

/** A user of these rights. */
export function tester(...grants: readonly Grant[]): Principal {
  return { kind: 'user', id: 'tester', name: 'tester', person: 'user:tester', grants };
}
