/** Acts on CAs that are refused are in the audit log, with the reason. */
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import { HierarchyError } from '../ca/plan-hierarchy.js';
import { GatewayError, isRefusal } from '../errors.js';
import type { AuditRecord } from '../store/change.js';
import type { AuthorityServices } from './services.js';

interface Attempt {
  /** What was to be done, such as `import`. */
  readonly act: string;
  /** The CA or generation that it was to be done to. */
  readonly subject: string;
  readonly actor: Actor;
}

/** @throws GatewayError what `work` throws; a HierarchyError as 'invalid-state' */
export async function recordingRefusals<T>(
  attempt: Attempt,
  { store, clock }: Pick<AuthorityServices, 'store' | 'clock'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    const error =
      caught instanceof HierarchyError ? new GatewayError('invalid-state', caught.message, { cause: caught }) : caught;
    if (isRefusal(error)) await store.commit({ statements: [], audit: [refused(attempt, error, clock.now())] });
    throw error;
  }
}

export function refused({ act, subject, actor }: Attempt, { code, message }: GatewayError, at: Date): AuditRecord {
  const details = { act, code, reason: message, ...byActor(actor) };
  return createAuditRecord({ at, action: 'ca.refused', outcome: 'refused', subject, details });
}
