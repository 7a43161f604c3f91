/** Simple Certificate Enrolment Protocol (RFC 8894): the operations and where they are found. */

import { GatewayError, isRefusal } from '../../src/errors.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { errorReply, failureReply } from './errors.js';
import { answerGetCaCaps, answerGetCaCert, answerGetNextCaCert } from './operations.js';
import { answerPkiOperation } from './pki-operation.js';
import { readQuery } from './query.js';

/** Makes the SCEP handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createScepHandler(services: ProtocolServices): ProtocolHandler {
  async function answer(exchange: Exchange): Promise<Reply> {
    const { label } = exchange.params;
    const { operation, message } = readQuery(exchange.query);
    switch (operation?.toLowerCase() ?? defaultOperation(exchange)) {
      case 'getcacaps':
        return answerGetCaCaps(services, label);
      case 'getcacert':
        return answerGetCaCert(services, label);
      case 'getnextcacert':
        return answerGetNextCaCert(services, label);
      case 'pkioperation':
        return answerPkiOperation(exchange, message, services);
      default:
        throw new GatewayError(
          'unsupported-operation',
          'the operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation',
        );
    }
  }

  async function handle(exchange: Exchange): Promise<Reply> {
    try {
      return await answer(exchange);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { ...errorReply(error), refusal: error };
    }
  }

  return {
    name: 'scep',
    routes: paths.flatMap((path): Route[] => [
      { method: 'GET', path, plainHttp: true, bodyLimit: 0, handle },
      { method: 'POST', path, plainHttp: true, bodyLimit: maximumBody, handle },
    ]),
    failure: (error, { requestId }) => failureReply(error, requestId),
  };
}

// RFC 8894 4.1 has clients put the last one behind whatever they were told; the default policy is there alone.
const paths: readonly string[] = [
  '/scep/:label',
  '/scep/:label/pkiclient.exe',
  '/scep/:label/cgi-bin/pkiclient.exe',
  '/cgi-bin/pkiclient.exe',
];

// An RSA key of 16,384 bits, a hundred names, and the certificates of a chain.
const maximumBody = 64 * 1024;

/** RFC 8894 4.3: nothing else is posted, and some leave it out. */
function defaultOperation({ method }: Exchange): string | undefined {
  return method === 'POST' ? 'pkioperation' : undefined;
}
