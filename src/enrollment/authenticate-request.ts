/** Authentication of a request, by the rules of the policy that it aims at. */
import { type Authenticated, authenticate } from '../authentication/authenticate.js';
import type { EnrollmentRequest } from './request.js';
import type { EnrollmentServices } from './services.js';
import type { EnrollmentTarget } from './target.js';

/** @throws GatewayError as `authenticate` does. */
export function authenticateRequest(
  { credentials, operation, remoteAddress }: Pick<EnrollmentRequest, 'credentials' | 'operation' | 'remoteAddress'>,
  { resolved }: EnrollmentTarget,
  at: Date,
  services: EnrollmentServices,
): Promise<Authenticated> {
  const authenticationPolicyOf = (policy: string) =>
    services.catalog().policies.get(policy)?.policy.authenticationPolicy;
  return authenticate(
    { authentication: resolved.authentication, credentials, operation, remoteAddress, at },
    { ...services, authenticationPolicyOf },
  );
}
