/** Enrollment over Secure Transport (RFC 7030, RFC 8951, RFC 9908): the operations and where they are found. */

import { isRefusal } from '../../src/errors.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { encodeCsrAttributes } from './csrattrs.js';
import { caCertificatesReply, csrAttributesReply } from './encode.js';
import { enroll, readSimpleEnrollment } from './enrollment.js';
import { errorReply, failureReply } from './errors.js';
import { answerFullCmc } from './full-cmc.js';
import { readKeyGeneration } from './server-keygen.js';

/** Makes the EST handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createEstHandler(services: ProtocolServices): ProtocolHandler {
  const operations: readonly Operation[] = [
    get('cacerts', async ({ params }) => caCertificatesReply(await services.trustCertificates(params.label))),
    get('csrattrs', ({ params }) => csrAttributesReply(encodeCsrAttributes(services.policy(params.label)))),
    post('simpleenroll', (exchange) =>
      enroll('simpleenroll', exchange, services, (policy) => readSimpleEnrollment('enroll', exchange, policy)),
    ),
    post('simplereenroll', (exchange) =>
      enroll('simplereenroll', exchange, services, (policy) => readSimpleEnrollment('reenroll', exchange, policy)),
    ),
    post('serverkeygen', (exchange) =>
      enroll('serverkeygen', exchange, services, (policy) => readKeyGeneration(exchange, policy, services)),
    ),
    post('fullcmc', (exchange) => answerFullCmc(exchange, services)),
  ];
  return {
    name: 'est',
    routes: operations.flatMap((operation) => routesOf(operation, services)),
    failure: (error, { requestId }) => failureReply(error, requestId),
  };
}

interface Operation {
  readonly name: string;
  readonly method: Route['method'];
  readonly bodyLimit: number;
  answer(exchange: Exchange): Reply | Promise<Reply>;
}

function get(name: string, answer: Operation['answer']): Operation {
  return { name, method: 'GET', bodyLimit: 0, answer };
}

function post(name: string, answer: Operation['answer']): Operation {
  return { name, method: 'POST', bodyLimit: maximumBody, answer };
}

// In base64: a CSR with an RSA key of 16,384 bits and a hundred names, or a CMC message with its certificates.
const maximumBody = 64 * 1024;

/** RFC 7030 3.2.2: the label, an additional path segment, is optional. */
function routesOf({ name, method, bodyLimit, answer }: Operation, services: ProtocolServices): Route[] {
  async function handle(exchange: Exchange): Promise<Reply> {
    try {
      return await answer(exchange);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const asksForPassword = error.code === 'bad-secret' && services.policy(exchange.params.label).acceptsPasswords;
      return { ...errorReply(error, asksForPassword), refusal: error };
    }
  }
  return ['/.well-known/est', '/.well-known/est/:label'].map((base) => ({
    method,
    path: `${base}/${name}`,
    plainHttp: false,
    bodyLimit,
    handle,
  }));
}
