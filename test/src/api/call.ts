/** Calls operations without HTTP: what the router does with a request, as far as handlers see it. */
import type { Readable } from 'node:stream';
import { actorOf, type Principal, scopeOf } from '../../../src/access/principal.js';
import { createOperations } from '../../../src/api/operations.js';
import type { ApiServices } from '../../../src/api/services.js';
import { HttpError } from '../../../src/errors.js';

interface Given {
  readonly params?: object;
  readonly query?: object;
  readonly body?: unknown;
  /** What If-Match stands for; it is not looked at when absent. */
  readonly ifMatch?: unknown;
}

export interface Caller {
  /** Answers what the operation answers, checked against its schema. */
  call(id: string, given?: Given): Promise<Answered>;
}

export interface Answered {
  readonly value: unknown;
  readonly location: string | undefined;
}

export function createCaller(services: ApiServices, principal: Principal): Caller {
  const operations = new Map(createOperations(services).map((operation) => [operation.id, operation]));
  return {
    call: async (id, { params = {}, query = {}, body, ifMatch } = {}) => {
      const operation = operations.get(id);
      if (operation === undefined) throw new Error(`there is no operation ${id}`);
      const { value, location } = await operation.handle({
        params: operation.params?.parse(params),
        query: operation.query?.parse(query),
        body: operation.body?.parse(body),
        stream: {} as Readable,
        contentType: undefined,
        principal,
        actor: actorOf(principal, { remoteAddress: '192.0.2.1', requestId: 'request-1' }),
        scope: operation.permission === undefined ? new Set() : scopeOf(principal, operation.permission),
        requireMatch: (current) => {
          if (ifMatch === undefined || JSON.stringify(current) === JSON.stringify(ifMatch)) return;
          throw new HttpError(412, 'invalid-state', 'it is another one by now');
        },
      });
      return { value: operation.answer === undefined ? value : operation.answer.parse(value), location };
    },
  };
}
