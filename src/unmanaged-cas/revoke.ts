/** Revokes an unmanaged CA: all its certificates, and with them the whole branch below. */
import type { Scope } from '../access/principal.js';
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { statusOf } from '../certificates/status.js';
import { certificateEvent } from '../enrollment/certificate-event.js';
import { holderOf } from '../enrollment/certificate-holder.js';
import type { RequestedReason } from '../enrollment/revocation-reason.js';
import { revocationStatements } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { certificatesOf, requireVisibleCa } from './find.js';

interface Revocation {
  readonly reason: Exclude<RequestedReason, 'certificateHold'>;
  readonly actor: Actor;
}

/**
 * Revokes, in one commit, every certificate of the CA that is neither revoked nor expired; returns those.
 * @throws GatewayError `not-found`, and `already-revoked` where there is none
 */
export async function revokeUnmanagedCa(
  id: string,
  scope: Scope,
  { reason, actor }: Revocation,
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<readonly CertificateRecord[]> {
  const record = await requireVisibleCa(id, scope, { store });
  const at = clock.now();
  const certificates = (await certificatesOf(record, store)).filter((certificate) =>
    revocable.has(statusOf(certificate, at)),
  );
  if (certificates.length === 0) {
    throw new GatewayError('already-revoked', 'the CA has no certificate that is not revoked or expired');
  }
  const by = byActor(actor);
  const holder = { division: record.division || undefined, ...(await holderOf(record, store)) };
  await store.commit({
    statements: certificates.flatMap((certificate) => revocationStatements(certificate, { at, reason }, store)),
    audit: [
      ...certificates.map((certificate) =>
        certificateEvent('certificate.revoked', certificate, { at, holder }, { reason, ...by, unmanagedCa: id }),
      ),
      createAuditRecord({
        at,
        action: 'unmanaged-ca.revoked',
        outcome: 'success',
        subject: id,
        device: record.deviceId,
        details: {
          reason,
          ...by,
          name: record.subject,
          ...holder,
          certificates: certificates.map((certificate) => certificate.id),
        },
      }),
    ],
  });
  return certificates;
}

const revocable: ReadonlySet<string> = new Set(['valid', 'unconfirmed', 'held']);
