/** Certificates whose place another one takes (CMP's kur): what they are still good for. */
import { GatewayError } from '../errors.js';
import type { PresentedIssuedCertificate } from '../policy/identity.js';
import { type CertificateRecord, hasLapsed } from '../store/certificate-record.js';
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
  const lapsed = await checkSupplanted(certificate, services);
  if (lapsed) await lapse(lapsed, services);
}

/**
 * The same, but only looks.
 * @returns the successor that has lapsed and is to be recorded as such
 */
export async function checkSupplanted(
  certificate: { readonly supplantedBy?: string | null } | undefined,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<CertificateRecord | undefined> {
  const id = certificate?.supplantedBy;
  if (id == null) return undefined;
  const successor = await store.certificates.findById({ id });
  if (successor && hasLapsed(successor, clock.now())) return successor;
  if (successor && successor.confirmBy !== null) {
    throw new GatewayError('invalid-state', 'an update of this certificate is under way; confirm or reject that first');
  }
  throw new GatewayError('revoked-requester', 'the certificate was updated; use the one that has taken its place');
}
