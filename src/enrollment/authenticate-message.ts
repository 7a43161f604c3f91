/** Who has sent a message, for protocols whose further messages and answers depend on it. */
import { authenticateRequest } from './authenticate-request.js';
import { recordingRefusals } from './recording-refusals.js';
import type { AuthenticationRequest } from './request.js';
import type { Requester } from './requester.js';
import { findRights } from './requester-rights.js';
import { findPassphrase } from './revocation-passphrase.js';
import type { EnrollmentServices } from './services.js';
import { findTarget, requireMethod } from './target.js';

/** @throws GatewayError as authentication does, after its audit event is committed */
export function authenticateMessage(request: AuthenticationRequest, services: EnrollmentServices): Promise<Requester> {
  return recordingRefusals(request, services, async () => {
    const target = findTarget(services.catalog(), request.label);
    requireMethod(target.resolved, request.protocol);
    const { protocol, credentials, remoteAddress, acceptHeld = false, acceptRevoked = false } = request;
    const asked = { protocol, credentials, operation: 'message', remoteAddress, acceptHeld, acceptRevoked } as const;
    const { identity } = await authenticateRequest(asked, target, services.clock.now(), services);
    const rights = await findRights({ identity, credentials, remoteAddress }, target, services);
    const { issuedCertificate } = rights.isRegistrationAuthority ? {} : identity;
    return {
      id: identity.requester,
      credentials: identity.credentials.map(({ name }) => name),
      isByRevocationPassphrase: findPassphrase(identity) !== undefined,
      ...(issuedCertificate ? { certificateUsage: issuedCertificate.usage } : {}),
      ...rights,
    };
  });
}
