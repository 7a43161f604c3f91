/** Revokes an unmanaged CA: all its certificates, and with them the whole branch below. */
import type { Scope } from '../access/principal.js';
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { certificateEvent } from '../enrollment/certificate-event.js';
import { holderOf } from '../enrollment/certificate-holder.js';
import type { RequestedReason } from '../enrollment/revocation-reason.js';
import { revocationStatements } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import { requireVisibleCa } from './find.js';

type Services = Pick<EnrollmentServices, 'store' | 'clock'>;

interface Revocation {
  readonly reason: Exclude<RequestedReason, 'certificateHold'>;
  readonly actor: Actor;
}

/**
 * Revokes every certificate of the CA that is neither revoked nor expired, in commits of some hundreds, also one that is issued
 * meanwhile; returns those.
 * @throws GatewayError `not-found`, and `already-revoked` where there is none
 */
export async function revokeUnmanagedCa(
  id: string,
  scope: Scope,
  revocation: Revocation,
  services: Services,
): Promise<readonly CertificateRecord[]> {
  const { store, clock } = services;
  const record = await requireVisibleCa(id, scope, services);
  const revoked: CertificateRecord[] = [];
  for (;;) {
    const at = clock.now();
    const part = await store.unmanagedCas.revocableOf({ unmanagedCaId: id, at: at.getTime(), limit: partSize });
    if (part.length === 0) break;
    await revokePart(part, record, { ...revocation, at }, services);
    revoked.push(...part);
  }
  if (revoked.length === 0) {
    throw new GatewayError('already-revoked', 'the CA has no certificate that is not revoked or expired');
  }
  return revoked;
}

const partSize = 250;

async function revokePart(
  certificates: readonly CertificateRecord[],
  record: UnmanagedCaRecord,
  { reason, actor, at }: Revocation & { readonly at: Date },
  { store }: Services,
): Promise<void> {
  const { id, subject: name, deviceId } = record;
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
        device: deviceId,
        details: { reason, ...by, name, ...holder, certificates: certificates.map((certificate) => certificate.id) },
      }),
    ],
  });
}
