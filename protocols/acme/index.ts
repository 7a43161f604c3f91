/** Automatic Certificate Management Environment (RFC 8555): the resources of a policy's directory and where they are found. */
import { GatewayError, isRefusal } from '../../src/errors.js';
import type { Exchange, ProtocolHandler, ProtocolServices, Reply, Route } from '../../src/protocol.js';
import { recordingRefused } from '../../src/refused-message.js';
import type { Answer } from './answer.js';
import type { AcmeContext, AcmeRequest } from './context.js';
import { asAcmeError } from './errors.js';
import { forgetDevice } from './forget-device.js';
import { keepHouse } from './housekeeping.js';
import { createNonces } from './nonces.js';
import { answerReply, preflightReply, problemReply, type Surroundings } from './reply.js';
import { type Resource, resources } from './resources.js';
import { readMessage } from './signed-request.js';
import { createAccountStore } from './store/accounts.js';
import { createAuthorizationStore } from './store/authorizations.js';
import { createOrderStore } from './store/orders.js';
import { createUrls } from './urls.js';
import { createValidate } from './validation/validate.js';
import { createValidations } from './validations.js';

/** Makes the ACME handler. What is thrown out of `handle` is for the edge to log and to give to `failure`. */
export function createAcmeHandler(services: ProtocolServices): ProtocolHandler {
  const nonces = createNonces(services);
  const parts = {
    services,
    accounts: createAccountStore(services.database),
    authorizations: createAuthorizationStore(services.database),
    orders: createOrderStore(services.database),
  };
  const validate = createValidate(services.outbound);
  const context: AcmeContext = { ...parts, validations: createValidations({ ...parts, validate }) };

  async function post(exchange: Exchange, resource: Resource): Promise<Answer> {
    const message = { protocol: 'acme', operation: resource.operation, exchange };
    // What comes later is recorded by its resource, or by the core.
    const answer = await recordingRefused(
      message,
      services,
      () => readMessage(openDirectory(exchange), resource, context, nonces),
      isRecorded,
    );
    return await answer();
  }

  function openDirectory(exchange: Exchange): AcmeRequest {
    const { label = '' } = exchange.params;
    const policy = services.policy(label);
    if (!policy.methods.includes('acme')) {
      throw new GatewayError('not-found', `policy ${policy.name} is not open to ACME`);
    }
    return { exchange, label, policy, urls: createUrls(services.baseUrl(label, exchange.headers.host), label) };
  }

  /** Also for what never became a request: its label may stand for nothing, and then there is no directory. */
  function surroundings({ params, headers }: Pick<Exchange, 'params' | 'headers'>): Surroundings {
    const { label = '' } = params;
    try {
      services.policy(label);
      return { nonces, directory: createUrls(services.baseUrl(label, headers.host), label).directory };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { nonces };
    }
  }

  function answering(answer: (exchange: Exchange) => Promise<Answer>): Route['handle'] {
    return async (exchange) => {
      try {
        return answerReply(await answer(exchange), surroundings(exchange));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return { ...problemReply(asAcmeError(error, exchange.requestId), surroundings(exchange)), refusal: error };
      }
    };
  }

  function routesOf(resource: Resource): Route[] {
    const { get, byAccount, byKey } = resource;
    const place = { path: `/acme/:label/${resource.path}`, plainHttp: false } as const;
    const routes: Route[] = [];
    if (get !== undefined) {
      const handle = answering(async (exchange) => await get(openDirectory(exchange), context));
      routes.push({ ...place, method: 'GET', bodyLimit: 0, handle });
    }
    if (byAccount !== undefined || byKey !== undefined) {
      const handle = answering((exchange) => post(exchange, resource));
      routes.push({ ...place, method: 'POST', bodyLimit: maximumBody, handle });
    }
    const methods = routes.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ');
    const preflight: Route['handle'] = async (exchange) => preflightReply(methods, surroundings(exchange));
    return [...routes, { ...place, method: 'OPTIONS', bodyLimit: 0, handle: preflight }];
  }

  return {
    name: 'acme',
    routes: resources.flatMap(routesOf),
    failure: (error, exchange): Reply => problemReply(asAcmeError(error, exchange.requestId), surroundings(exchange)),
    async housekeeping(now) {
      await nonces.removeExpired(now);
      await keepHouse(context, now);
    },
    forgetDevice: (ties) => forgetDevice(ties, context),
  };
}

/** A nonce that is used or too old is part of the protocol's course: the client tries again. */
function isRecorded(error: unknown): error is GatewayError {
  return isRefusal(error) && error.code !== 'stale-message';
}

// A certificate request with an RSA key of 16,384 bits and a hundred names, or an attestation with its certificates, in base64 twice.
const maximumBody = 64 * 1024;
