/** Revocation, hold and release: the certificate's state, its audit event, and the CRL that is due by it. */
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { revocationReasonCode } from '../x509/crl.js';
import type { RequestedReason } from './revocation-reason.js';
import type { EnrollmentServices } from './services.js';

export interface RevocationRequest {
  /** Which certificate: the issuing CA's generation and the serial number, lower-case hex. */
  readonly issuerId: string;
  readonly serialNumber: string;
  readonly reason: RequestedReason;
  /** Since when the key is suspected (RFC 5280 5.3.2). */
  readonly invalidityDate?: Date;
  /** Who wants it, for the audit log. */
  readonly requestedBy: string;
}

type RevocationServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/**
 * Revokes for good, also from hold; with the reason certificateHold it is a hold.
 * @throws GatewayError `unknown-certificate`, `already-revoked`, and `invalid-state` for a hold of what is not valid.
 */
export async function revokeCertificate(request: RevocationRequest, services: RevocationServices): Promise<void> {
  const { store, clock } = services;
  const record = await findRecord(request, store);
  const at = clock.now();
  const revokedAt = at.getTime();
  const isHold = request.reason === 'certificateHold';
  if (isHold && record.status !== 'valid')
    throw new GatewayError('invalid-state', `the certificate is ${record.status}, so that it cannot be put on hold`);
  const statement = isHold
    ? store.certificates.hold({ id: record.id, at: revokedAt })
    : store.certificates.revoke({
        id: record.id,
        revokedAt,
        revocationReason: revocationReasonCode(request.reason),
        invalidityDate: request.invalidityDate?.getTime() ?? null,
      });
  await store.commit({
    statements: [statement, crlDue(record, store)],
    audit: [
      createAuditRecord({
        at,
        action: isHold ? 'certificate.held' : 'certificate.revoked',
        outcome: 'success',
        subject: record.id,
        details: {
          reason: request.reason,
          invalidityDate: request.invalidityDate,
          requestedBy: request.requestedBy,
          name: record.subject,
          device: record.deviceId,
        },
      }),
    ],
  });
}

/**
 * Ends a hold.
 * @throws GatewayError `unknown-certificate`, and `invalid-state` for a certificate that is not on hold.
 */
export async function releaseCertificate(
  request: Omit<RevocationRequest, 'reason' | 'invalidityDate'>,
  { store, clock }: RevocationServices,
): Promise<void> {
  const record = await findRecord(request, store);
  if (record.status !== 'held')
    throw new GatewayError('invalid-state', `the certificate is ${record.status}, not on hold`);
  const at = clock.now();
  await store.commit({
    statements: [store.certificates.release({ id: record.id }), crlDue(record, store)],
    audit: [
      createAuditRecord({
        at,
        action: 'certificate.released',
        outcome: 'success',
        subject: record.id,
        details: { requestedBy: request.requestedBy, name: record.subject, device: record.deviceId },
      }),
    ],
  });
}

/** Revokes a certificate whose place another one takes, within the other one's commit. */
export function supersessionStatements(old: CertificateRecord, at: Date, store: Store): Statement[] {
  return [
    store.certificates.revoke({
      id: old.id,
      revokedAt: at.getTime(),
      revocationReason: revocationReasonCode('superseded'),
      invalidityDate: null,
    }),
    crlDue(old, store),
  ];
}

export function supersessionRecord(old: CertificateRecord, supersededBy: string, at: Date): AuditRecord {
  return createAuditRecord({
    at,
    action: 'certificate.revoked',
    outcome: 'success',
    subject: old.id,
    details: { reason: 'superseded', supersededBy, name: old.subject, device: old.deviceId },
  });
}

/** With the state's change itself, so that no crash comes between a revocation and its CRL. */
function crlDue({ issuerId, crlPartition }: CertificateRecord, { crls }: Store): Statement {
  return crls.markChanged({ issuerId, partition: crlPartition });
}

async function findRecord(
  { issuerId, serialNumber }: Pick<RevocationRequest, 'issuerId' | 'serialNumber'>,
  store: Store,
): Promise<CertificateRecord> {
  const record = await store.certificates.findByIssuerAndSerial(issuerId, serialNumber);
  if (record === undefined)
    throw new GatewayError('unknown-certificate', 'no certificate of this issuer and serial number is on record');
  return record;
}
