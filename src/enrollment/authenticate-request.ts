/** Authentication of a request, by the rules of the policy that it aims at. */
import { type Authenticated, type AuthenticationInput, authenticate } from '../authentication/authenticate.js';
import type { Method } from '../model/protocol-name.js';
import { verifyRequestingKey } from './requesting-key.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

/** @throws GatewayError as `authenticate` does. */
export function authenticateRequest(
  request: Pick<
    AuthenticationInput,
    'credentials' | 'operation' | 'remoteAddress' | 'askWebhook' | 'acceptHeld' | 'acceptRevoked'
  > & { readonly protocol: Method },
  { resolved }: EnrollmentTarget,
  at: Date,
  services: EnrollmentServices,
): Promise<Authenticated> {
  const { protocol, credentials, operation, remoteAddress, askWebhook, acceptHeld, acceptRevoked } = request;
  return authenticate(
    {
      authentication: resolved.authentication,
      method: protocol,
      credentials,
      operation,
      remoteAddress,
      at,
      ...(askWebhook ? { askWebhook } : {}),
      ...(acceptHeld ? { acceptHeld } : {}),
      ...(acceptRevoked ? { acceptRevoked } : {}),
      ...(protocol === 'acme' ? { accountAuthorization: resolved.policy.acme.authorization } : {}),
    },
    {
      ...services,
      chainOf: services.authority.chain,
      verifyApiKey: (key) => verifyRequestingKey(key, resolved.policy, services),
    },
  );
}
