/** The REST certificate protocol: JSON over TLS, for platforms that speak no enrollment protocol. */
import { isRefusal } from '../../src/errors.js';
import { failureProblem } from '../../src/http/problem.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { download, downloadCa } from './certificates.js';
import { enroll, poll } from './enrollment.js';
import { problemReply } from './problem.js';
import { report } from './report.js';
import { revoke } from './revocation.js';

/** Makes the REST handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createRestHandler(services: ProtocolServices): ProtocolHandler {
  function answering(answer: (exchange: Exchange) => Promise<Reply>): Route['handle'] {
    return async (exchange) => {
      try {
        return await answer(exchange);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const challenge = error.code === 'bad-secret' ? challengeOf(services.policy(exchange.params.label)) : undefined;
        return { ...problemReply(error, exchange.requestId, challenge), refusal: error };
      }
    };
  }

  function get(path: string, answer: (exchange: Exchange) => Promise<Reply>): Route {
    return { method: 'GET', path: `${base}${path}`, plainHttp: false, bodyLimit: 0, handle: answering(answer) };
  }

  function post(path: string, answer: (exchange: Exchange) => Promise<Reply>): Route {
    const place = { method: 'POST', path: `${base}${path}`, plainHttp: false } as const;
    return { ...place, bodyLimit: maximumBody, handle: answering(answer) };
  }

  const enrolling = (operation: 'enroll' | 'renew') => (exchange: Exchange) =>
    enroll({ operation, label: exchange.params.label ?? '' }, exchange, services);

  return {
    name: 'rest',
    routes: [
      post('', enrolling('enroll')),
      post('/renew', enrolling('renew')),
      post('/revoke', (exchange) => revoke(exchange, services)),
      get('/requests/:id', (exchange) => poll(exchange.params.id ?? '', exchange, services)),
      get('/certificates/:serialNumber', (exchange) => download(exchange, services)),
      get('/ca', (exchange) => downloadCa(exchange, services)),
      {
        method: 'POST',
        path: '/api/v1/unmanaged-cas/:id/certificates',
        plainHttp: false,
        bodyLimit: maximumReport,
        handle: answering((exchange) => report(exchange, services)),
      },
    ],
    failure: (error, { requestId }) => failureProblem(error, requestId),
  };
}

/** RFC 9110 15.5.2 wants a challenge with every 401; Basic would have clients send what is not read here. */
function challengeOf({ acceptsPasswords, acceptsApiKeys }: PolicyView): string | undefined {
  const challenges = [
    ...(acceptsPasswords ? ['X-Passcode realm="gatehouse"'] : []),
    ...(acceptsApiKeys ? ['Bearer realm="gatehouse"'] : []),
  ];
  return challenges.length === 0 ? undefined : challenges.join(', ');
}

const base = '/api/v1/enroll/:label';

// A certificate request with an RSA key of 16,384 bits and a hundred names, in PEM.
const maximumBody = 64 * 1024;

// As many certificates as a report may have, of the usual size.
const maximumReport = 1024 * 1024;
