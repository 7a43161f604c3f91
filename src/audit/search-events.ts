/** Finds events in the audit log. */
import { setImmediate } from 'node:timers/promises';
import { GatewayError } from '../errors.js';
import type { AuditEventRecord, AuditPosition, AuditSearch } from '../store/audit-repository.js';
import type { Store } from '../store/store.js';

export interface EventFilter
  extends Pick<AuditSearch, 'action' | 'outcome' | 'subject' | 'device' | 'ascending' | 'from' | 'to'> {
  /** As `actor` in the event. */
  readonly actor?: string;
  /** Only events of these. An event of no division is the whole gateway's. */
  readonly divisions?: ReadonlySet<string>;
  readonly after?: AuditPosition;
  readonly limit: number;
}

export interface AuditEvent
  extends Pick<AuditEventRecord, 'id' | 'sequence' | 'action' | 'outcome' | 'subject' | 'hash'> {
  readonly at: Date;
  /** Everything else that is on record of it. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** How many events a page looks at, and in one go: by columns, and where their contents have to be read. */
const byColumns = { most: 20_000, atOnce: 1000 } as const;
const byContents = { most: 2000, atOnce: 250 } as const;

/**
 * A page, latest first unless asked otherwise. There may be fewer than the limit and still more to come: `next` says so. No single query keeps the
 * gateway from its devices.
 */
export async function searchEvents(
  { actor, divisions, limit, after, ...columns }: EventFilter,
  { audit }: Pick<Store, 'audit'>,
): Promise<{ readonly events: readonly AuditEvent[]; readonly next: AuditPosition | undefined }> {
  const readsContents = actor !== undefined || divisions !== undefined;
  const { most, atOnce } = readsContents ? byContents : byColumns;
  const events: AuditEvent[] = [];
  let place = after;
  for (let looked = 0; looked < most; looked += atOnce) {
    const { found, next } = await audit.search({
      ...columns,
      ...(place ? { after: place } : {}),
      limit: readsContents ? atOnce : limit - events.length,
      window: atOnce,
    });
    for (const record of found) {
      const event = readEvent(record);
      const isWanted = (actor === undefined || event.details.actor === actor) && isOf(divisions, event);
      if (!isWanted) continue;
      events.push(event);
      if (events.length === limit) return { events, next: { at: record.at, sequence: record.sequence } };
    }
    if (next === undefined) return { events, next };
    place = next;
    await setImmediate();
  }
  return { events, next: place };
}

/** @throws GatewayError `not-found`, also for an event of another division */
export async function getEvent(
  id: string,
  divisions: ReadonlySet<string> | undefined,
  { audit }: Pick<Store, 'audit'>,
): Promise<AuditEvent> {
  const record = await audit.findById({ id });
  const event = record && readEvent(record);
  if (event && isOf(divisions, event)) return event;
  throw new GatewayError('not-found', `there is no audit event ${id}`);
}

/** As its content has it. */
export function readEvent({ content, sequence, hash }: AuditEventRecord): AuditEvent {
  const { id, at, action, outcome, subject, ...details } = JSON.parse(content);
  return { id, sequence, at: new Date(at), action, outcome, subject, hash, details };
}

function isOf(divisions: ReadonlySet<string> | undefined, { details: { division } }: AuditEvent): boolean {
  return divisions === undefined || (typeof division === 'string' && divisions.has(division));
}
