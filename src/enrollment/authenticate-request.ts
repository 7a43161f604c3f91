/** Authentication of a request, by the rules of the policy that it aims at. */
import {
  type Authenticated,
  type AuthenticationInput,
  authenticate,
  authenticateAssuming,
} from '../authentication/authenticate.js';
import type { VerifiedSecret } from '../authentication/secret.js';
import type { Method } from '../model/protocol-name.js';
import { verifyRequestingKey } from './requesting-key.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

/**
 * @param assumed what a would-be requester is taken to know; absent for whoever really asks
 * @throws GatewayError as `authenticate` does.
 */
export function authenticateRequest(
  request: Pick<
    AuthenticationInput,
    'credentials' | 'operation' | 'remoteAddress' | 'askWebhook' | 'acceptHeld' | 'acceptRevoked'
  > & { readonly protocol: Method },
  { resolved }: EnrollmentTarget,
  at: Date,
  services: EnrollmentServices,
  assumed?: readonly VerifiedSecret[],
): Promise<Authenticated> {
  const { protocol, credentials, operation, remoteAddress, askWebhook, acceptHeld, acceptRevoked } = request;
  const input = {
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
  };
  const dependencies = {
    ...services,
    verifyApiKey: (key: string) => verifyRequestingKey(key, resolved.policy, services),
  };
  return assumed ? authenticateAssuming(input, assumed, dependencies) : authenticate(input, dependencies);
}
