/** The end of the keys that the gateway has made for a job: once for all, on record. */
import { type Actor, byActor } from '../../audit/actor.js';
import { createAuditRecord } from '../../audit/audit-record.js';
import type { Clock } from '../../clock.js';
import { GatewayError } from '../../errors.js';
import type { Change } from '../../store/change.js';
import type { ArchivedJob } from '../../store/job-archive-repository.js';
import type { Store } from '../../store/store.js';

interface Services {
  readonly store: Pick<Store, 'jobArchives' | 'commit'>;
  readonly clock: Clock;
}

/** Why keys are destroyed: they were handed over, somebody wanted it, nobody has come for them in time, or the job goes. */
type EndOfKeys = 'downloaded' | 'requested' | 'expired' | 'job-deleted';
type JobWithKeys = Pick<ArchivedJob, 'id' | 'division' | 'sealedJobKey'>;

/** What destroys the key that all keys of the job's rows are sealed under: `invalid-state` if another was first. */
export function destructionOfKeys(
  { id, division, sealedJobKey }: JobWithKeys,
  reason: EndOfKeys,
  actor: Actor,
  { store, clock }: Services,
): Change {
  if (sealedJobKey === null) return { statements: [], audit: [] };
  const now = clock.now();
  const audit = createAuditRecord({
    at: now,
    action: 'job.keys-destroyed',
    outcome: 'success',
    subject: id,
    details: { division, reason, ...byActor(actor) },
  });
  return {
    statements: store.jobArchives.destroyJobKey({ id, sealedJobKey, at: now.getTime() }),
    audit: [audit],
  };
}

/**
 * Destroys the key that all keys of the job's rows are sealed under. What is left of those, {@link endOldKeys} removes.
 * @returns whether this call did it: another may have been first
 */
export async function destroyKeys(
  job: JobWithKeys,
  reason: EndOfKeys,
  actor: Actor,
  services: Services,
): Promise<boolean> {
  if (job.sealedJobKey === null) return false;
  try {
    await services.store.commit(destructionOfKeys(job, reason, actor, services));
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'invalid-state') return false;
    throw error;
  }
}

/** Destroys keys that nobody has come for, and removes row keys that nothing opens any more. To be called every minute or so. */
export async function endOldKeys(services: Services): Promise<void> {
  const { store, clock } = services;
  const now = clock.now().getTime();
  const expired = await store.jobArchives.findExpiredKeys({ by: now - keptMilliseconds, limit: jobsAtOnce });
  for (const job of expired) await destroyKeys(job, 'expired', gateway, services);
  for (;;) {
    const rows = await store.jobArchives.findUselessKeys({ by: now - downloadMilliseconds, limit: rowsAtOnce });
    if (rows.length > 0) await store.commit({ statements: rows.map(store.jobArchives.clearRowKey), audit: [] });
    if (rows.length < rowsAtOnce) return;
  }
}

/** How long keys wait for their owner after the job's end. */
export const keptDays = 7;
const keptMilliseconds = keptDays * 86_400_000;
/** Another download that began before the keys were destroyed has them in memory, and still reads the rows. */
const downloadMilliseconds = 3_600_000;
const jobsAtOnce = 100;
/** In one commit: others wait for it. */
const rowsAtOnce = 500;
const gateway: Actor = { name: 'gateway', person: 'gateway' };
