/** Certificates whose place another one takes (CMP's kur): what they are still good for. */
import { GatewayError } from '../errors.js';
import type { PresentedIssuedCertificate } from '../policy/identity.js';
import { hasLapsed } from '../store/certificate-record.js';
import { lapse } from './lapse.js';
import type { EnrollmentServices } from './services.js';

/**
 * Asks whether a certificate that authenticates a message may still speak for its holder.
 * @throws GatewayError `revoked-requester` for one that has expired, and as {@link requireNotSupplanted}
 */
export async function requireInUse(
  certificate: PresentedIssuedCertificate | undefined,
  services: EnrollmentServices,
): Promise<void> {
  if (certificate && certificate.notAfter < services.clock.now())
    throw new GatewayError('revoked-requester', 'the certificate that authenticates the request has expired');
  await requireNotSupplanted(certificate, services);
}

/**
 * Asks whether a certificate still has its place; one whose successor was not confirmed in time has it back.
 * @throws GatewayError `invalid-state` while its successor is to be confirmed, `revoked-requester` once it is
 */
export async function requireNotSupplanted(
  certificate: { readonly supplantedBy?: string | null } | undefined,
  services: EnrollmentServices,
): Promise<void> {
  const id = certificate?.supplantedBy;
  if (id == null) return;
  const successor = await services.store.certificates.findById({ id });
  if (successor && hasLapsed(successor, services.clock.now())) return await lapse(successor, services);
  if (successor && successor.confirmBy !== null) {
    throw new GatewayError('invalid-state', 'an update of this certificate is under way; confirm or reject that first');
  }
  throw new GatewayError('revoked-requester', 'the certificate was updated; use the one that has taken its place');
}
