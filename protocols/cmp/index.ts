/** Certificate Management Protocol (RFC 9810, profile RFC 9483) over HTTP (RFC 9811): where it is found. */

import { GatewayError, isRefusal } from '../../src/errors.js';
import { parseMediaType } from '../../src/http/media-type.js';
import { refusalAnswer } from '../../src/http/text-answer.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { answerMessage } from './answer-message.js';
import { failureReply } from './errors.js';
import { recorded, recordRefusal } from './read-request.js';
import { createTransactionStore } from './store.js';

/** Makes the CMP handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createCmpHandler(services: ProtocolServices): ProtocolHandler {
  const transactions = createTransactionStore(services.database);

  async function answer(exchange: Exchange): Promise<Reply> {
    const policy = await recorded('PKIMessage', { exchange, services }, async () => findPolicy(exchange));
    if (parseMediaType(exchange.headers['content-type'])?.type !== pkixcmp) {
      const refusal = new GatewayError('malformed-request', `send a PKIMessage as ${pkixcmp}`);
      await recordRefusal('PKIMessage', refusal, { exchange, services });
      return { ...refusalAnswer(refusal, 415), refusal };
    }
    const { der, refusal } = await answerMessage(exchange.body, { exchange, services, transactions, policy });
    const reply = { status: 200, headers: { 'Content-Type': pkixcmp, 'Cache-Control': 'no-store' }, body: der };
    return refusal === undefined ? reply : { ...reply, refusal };
  }

  function findPolicy({ params }: Exchange): PolicyView {
    const { operation, label } = params;
    if (operation !== undefined && !operations.has(operation)) {
      throw new GatewayError('not-found', `there is no CMP operation ${operation}; RFC 9483 6.1 has their names`);
    }
    const policy = services.policy(label);
    if (policy.methods.includes('cmp')) return policy;
    throw new GatewayError('not-found', `policy ${policy.name} is not open to CMP`);
  }

  async function handle(exchange: Exchange): Promise<Reply> {
    try {
      return await answer(exchange);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { ...refusalAnswer(error), refusal: error };
    }
  }

  return {
    name: 'cmp',
    routes: paths.map((path): Route => ({ method: 'POST', path, plainHttp: true, bodyLimit: maximumBody, handle })),
    failure: (error, { requestId }) => failureReply(error, requestId),
    housekeeping: (now) => services.commit([transactions.removeExpired({ now: now.getTime() })]),
  };
}

const pkixcmp = 'application/pkixcmp';

/** RFC 9483 6.1. They only say what the message says itself. */
const operations: ReadonlySet<string> = new Set([
  'initialization',
  'certification',
  'keyupdate',
  'pkcs10',
  'revocation',
  'getcacerts',
  'getrootupdate',
  'getcertreqtemplate',
  'getcrls',
  'nested',
]);

const paths: readonly string[] = [
  '/.well-known/cmp',
  '/.well-known/cmp/:operation',
  '/.well-known/cmp/p/:label',
  '/.well-known/cmp/p/:label/:operation',
  '/cmp/:label',
  '/cmp/:label/:operation',
];

// A batch of a hundred messages with their certificates.
const maximumBody = 512 * 1024;
