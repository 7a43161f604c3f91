/** Calls operations of the management API as its router does once it knows the caller, without HTTP. */
import { Readable } from 'node:stream';
import { actorOf, type Principal, type Scope, scopeOf } from '../../src/access/principal.js';
import type { Answer, Operation } from '../../src/api/operation.js';
import type { Actor } from '../../src/audit/actor.js';
import { HttpError } from '../../src/errors.js';

export interface OperationCall {
  readonly params?: object;
  readonly query?: object;
  readonly body?: unknown;
  /** The body of an operation that takes no JSON. */
  readonly content?: string;
  readonly contentType?: string;
  readonly principal: Principal;
  readonly actor?: Actor;
  /** In place of where the principal's rights hold. */
  readonly scope?: Scope;
  /** What If-Match stands for, such as the answer of an earlier GET; it is not looked at when absent. */
  readonly ifMatch?: unknown;
}

export function operationOf(operations: readonly Operation[], id: string): Operation {
  const operation = operations.find((each) => each.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  return operation;
}

/** Checks what goes in and comes out by the operation's own schemas; what they refuse is thrown as a ZodError. */
export async function callOperation(
  operation: Operation,
  { params = {}, query = {}, body, content = '', contentType, principal, actor, scope, ifMatch }: OperationCall,
): Promise<Answer<unknown>> {
  const { permission } = operation;
  const answer = await operation.handle({
    params: operation.params?.parse(params),
    query: operation.query?.parse(query),
    body: operation.body?.parse(body),
    stream: Readable.from([Buffer.from(content)]),
    contentType,
    principal,
    actor: actor ?? actorOf(principal, { remoteAddress: '192.0.2.1', requestId: 'request-1' }),
    scope: scope ?? (permission === undefined ? new Set() : scopeOf(principal, permission)),
    requireMatch: (current) => {
      if (ifMatch === undefined || JSON.stringify(current) === JSON.stringify(ifMatch)) return;
      throw new HttpError(412, 'invalid-state', 'it was changed meanwhile; read it again');
    },
  });
  operation.answer?.parse(answer.value);
  return answer;
}
