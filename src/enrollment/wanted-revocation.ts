/** Revocations, holds and ends of holds as messages ask for them: whether one is possible, and carrying it out. */
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { MessageReason } from './revocation-reason.js';
import {
  type ReleaseRequest,
  type RevocationRequest,
  releaseCertificate,
  requireHoldable,
  revokeCertificate,
} from './revoke.js';
import type { EnrollmentServices } from './services.js';

/** @throws GatewayError `unknown-certificate` for what is to be revived and is not on hold, `already-revoked`, `invalid-state` */
export function requirePossible(reason: MessageReason, record: CertificateRecord, now: Date): void {
  const { status, notAfter } = record;
  if (reason === 'removeFromCRL') {
    if (status === 'held') return;
    throw new GatewayError('unknown-certificate', 'no certificate of this issuer and serial number is on hold');
  }
  if (status === 'revoked') throw new GatewayError('already-revoked', 'the certificate is revoked already');
  if (notAfter < now.getTime()) {
    throw new GatewayError('already-revoked', 'the certificate has expired, so that there is nothing to revoke');
  }
  if (reason === 'certificateHold') requireHoldable(record);
}

type Wish = Pick<RevocationRequest, 'invalidityDate'> & { readonly reason: MessageReason };

/** @throws GatewayError as revokeCertificate and releaseCertificate do */
export async function carryOut(
  { reason, invalidityDate, ...request }: ReleaseRequest & Wish,
  services: EnrollmentServices,
): Promise<void> {
  if (reason === 'removeFromCRL') return await releaseCertificate(request, services);
  await revokeCertificate({ ...request, reason, ...(invalidityDate ? { invalidityDate } : {}) }, services);
}
