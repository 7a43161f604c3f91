/** Certificates that were renewed: revoked when their policy's time for that is over (`revokeReplaced`). */
import { randomUUID } from 'node:crypto';
import { GatewayError, OvertakenError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { underLease } from '../store/under-lease.js';
import { holderOf } from './certificate-holder.js';
import { supersessionRecord, supersessionStatements } from './revoke.js';
import type { EnrollmentServices } from './services.js';

type ReplacementServices = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

/** Notes with a renewal that nothing has to confirm any more what it takes the place of. */
export function replacedStatements(
  { replaces, usage }: Pick<CertificateRecord, 'replaces' | 'usage'>,
  at: Date,
  { certificates }: Pick<Store, 'certificates'>,
): Statement[] {
  return replaces === null ? [] : [certificates.markReplaced({ id: replaces, usage, at: at.getTime() })];
}

/**
 * Revokes (superseded) what was replaced so long ago as its policy says, unless another node does. What is held stays so, and what was
 * replaced by certificates that are all revoked themselves is in its place again. To be called every few seconds; of many, the
 * rest follows in the next round.
 */
export async function revokeReplaced(services: ReplacementServices): Promise<void> {
  const { store, clock, catalog } = services;
  for (const { policy } of catalog().policies.values()) {
    if (policy.revokeReplaced === undefined) continue;
    const due = { policy: policy.name, by: clock.now().getTime() - policy.revokeReplaced.after * 1000 };
    const [first] = await store.certificates.replacedOfPolicy({ ...due, limit: 1 });
    if (first === undefined) continue;
    await underLease(lease, services, () => revokeDue(due, services));
  }
}

async function revokeDue(
  due: { readonly policy: string; readonly by: number },
  services: ReplacementServices,
): Promise<void> {
  try {
    for (let batch = 0; batch < mostBatches; batch++) {
      const replaced = await services.store.certificates.replacedOfPolicy({ ...due, limit: batchSize });
      if (replaced.length > 0) await revokeBatch(replaced, services);
      if (replaced.length < batchSize) return;
    }
  } catch (error) {
    if (!isOvertaken(error)) throw error;
  }
}

/** So many that the writes of the gateway beside it are not kept waiting for long. */
const batchSize = 100;
const mostBatches = 50;
const lease = { name: 'replaced certificates', holder: randomUUID(), milliseconds: 120_000 };

/** One of them was revoked or held meanwhile: the next round sees that. */
function isOvertaken(error: unknown): boolean {
  if (error instanceof OvertakenError) return true;
  return error instanceof GatewayError && (error.code === 'already-revoked' || error.code === 'revoked-requester');
}

async function revokeBatch(
  replaced: readonly CertificateRecord[],
  { store, clock }: ReplacementServices,
): Promise<void> {
  const at = clock.now();
  const statements: Statement[] = [];
  const audit: AuditRecord[] = [];
  for (const record of replaced) {
    const { id, deviceId, notAfter } = record;
    const successor = deviceId === null ? undefined : await store.certificates.findSuccessor({ id, deviceId });
    if (successor === undefined || notAfter < at.getTime()) {
      statements.push(store.certificates.unmarkReplaced({ id }));
      continue;
    }
    statements.push(store.certificates.requireValid({ id }), ...supersessionStatements(record, at, store));
    audit.push(supersessionRecord(record, { supersededBy: successor.id, holder: await holderOf(record, store) }, at));
  }
  await store.commit({ statements, audit });
}
