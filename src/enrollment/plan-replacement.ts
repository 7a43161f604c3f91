/** Plans that certificates are replaced before their time, so that clients that ask for renewal information do it (RFC 9773). */
import type { Actor } from '../audit/actor.js';
import { createActionRecord } from '../audit/audit-record.js';
import { OvertakenError } from '../errors.js';
import type { ReplacementRecord, ReplacementSelection } from '../store/certificate-replacement.js';
import type { EnrollmentServices } from './services.js';

export interface PlannedReplacement {
  /** Until when: later than now. Taken back if absent. */
  readonly by?: Date;
  /** Where holders can read why. */
  readonly explanationUrl?: string;
  readonly selection: ReplacementSelection;
  readonly actor: Actor;
}

/** Marks the certificates that are valid now and returns how many; of many some are marked before others. @throws GatewayError */
export async function planReplacement(
  planned: PlannedReplacement,
  services: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<number> {
  const now = services.clock.now();
  let total = 0;
  let after = '';
  for (;;) {
    const marked = await markBatch(planned, after, now, services);
    if (marked === undefined) return total;
    total += marked.count;
    after = marked.last;
  }
}

/** So many that the writes of the gateway beside it are not kept waiting for long. */
const batchSize = 1000;
const maximumAttempts = 10;

async function markBatch(
  planned: PlannedReplacement,
  after: string,
  now: Date,
  { store }: Pick<EnrollmentServices, 'store'>,
): Promise<{ readonly count: number; readonly last: string } | undefined> {
  const { by, explanationUrl, selection, actor } = planned;
  const batch = { selection, at: now.getTime(), after };
  const plan: ReplacementRecord = {
    replaceBy: by?.getTime() ?? null,
    replacementPlannedAt: by === undefined ? null : now.getTime(),
    explanationUrl: explanationUrl ?? null,
  };
  for (let attempt = 1; ; attempt++) {
    const ids = await store.certificates.idsToReplace({ ...batch, isPlanned: by === undefined, limit: batchSize });
    const last = ids.at(-1);
    if (last === undefined) return undefined;
    const count = ids.length;
    const event = createActionRecord(actor, {
      at: now,
      action: by === undefined ? 'certificate.replacement-cancelled' : 'certificate.replacement-planned',
      subject: selection.id ?? '',
      details: { by, explanationUrl, selection, count, first: ids[0], last },
    });
    try {
      await store.commit({
        statements: [store.certificates.setReplacement({ ...batch, last, count }, plan)],
        audit: [event],
      });
      return { count, last };
    } catch (error) {
      // Certificates are issued and revoked at the same time.
      if (!(error instanceof OvertakenError) || attempt >= maximumAttempts) throw error;
    }
  }
}
