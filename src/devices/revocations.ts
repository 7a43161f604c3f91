/** Certificates that are revoked because of what becomes of their device. */
import { type Actor, byActor } from '../audit/actor.js';
import { certificateEvent } from '../enrollment/certificate-event.js';
import { revocationStatements } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';

interface Cause {
  readonly at: Date;
  readonly reason: 'affiliationChanged' | 'cessationOfOperation';
  readonly actor: Actor;
  /** Whose they are. */
  readonly device: Pick<DeviceRecord, 'division' | 'name'>;
  /** For the audit log: of each. */
  readonly because: (certificate: CertificateRecord) => string;
}

/** So many in one change that the writes of the gateway beside it are not kept waiting for long. */
export const revokedAtOnce = 100;

export function revocationsOf(
  certificates: readonly CertificateRecord[],
  { at, reason, actor, device, because }: Cause,
  { store }: Pick<EnrollmentServices, 'store'>,
): Change {
  return {
    statements: certificates.flatMap((record) => revocationStatements(record, { at, reason }, store)),
    audit: certificates.map((record) =>
      certificateEvent(
        'certificate.revoked',
        record,
        { at, holder: { division: device.division, device: device.name } },
        { reason, ...byActor(actor), because: because(record) },
      ),
    ),
  };
}

/** Publishes the CRLs that revocations are due on: one for each part of an issuer's that is touched. */
export async function publishRevocations(
  revoked: readonly CertificateRecord[],
  { crls }: Pick<EnrollmentServices, 'crls'>,
): Promise<void> {
  const places = new Map(revoked.map((record) => [`${record.issuerId}/${record.crlPartition}`, record] as const));
  for (const { issuerId, crlPartition } of places.values()) await crls.publish(issuerId, crlPartition);
}
