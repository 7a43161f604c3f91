/** Calls operations of the management API without its router. */
import { Readable } from 'node:stream';
import type { Scope } from '../../../src/access/principal.js';
import type { Answer, Operation } from '../../../src/api/operation.js';
import { HttpError } from '../../../src/errors.js';
import { testActor } from '../../support/operator.js';

export interface TestCall {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly scope?: Scope;
  /** What If-Match would name: the answer of an earlier GET. */
  readonly ifMatch?: unknown;
}

/** Checks what goes in and comes out by the operation's own schemas, as the router does. */
export function createCaller(operations: readonly Operation[]) {
  return async (id: string, call: TestCall = {}): Promise<Answer<unknown> & { readonly value?: unknown }> => {
    const operation = operations.find((each) => each.id === id);
    if (operation === undefined) throw new Error(`no operation ${id}`);
    const answer = await operation.handle({
      params: operation.params?.parse(call.params ?? {}),
      query: operation.query?.parse(call.query ?? {}),
      body: operation.body?.parse(call.body),
      stream: Readable.from([]),
      contentType: 'application/json',
      principal: { kind: 'user', id: 'test', name: 'test', person: 'test', grants: [] },
      actor: testActor,
      scope: call.scope ?? 'everywhere',
      requireMatch: (current) => {
        if (call.ifMatch !== undefined && JSON.stringify(call.ifMatch) !== JSON.stringify(current))
          throw new HttpError(412, 'invalid-state', 'it was changed meanwhile; read it again');
      },
    });
    if (answer.value !== undefined) operation.answer?.parse(answer.value);
    return answer;
  };
}
