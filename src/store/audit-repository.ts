/** Reads of the audit log; only the writer adds to it. */
import { setImmediate } from 'node:timers/promises';
import type { QueryCreator } from 'kysely';
import { type ChainHead, chainStart, nextHead } from './audit-chain.js';
import type { AuditRecord } from './change.js';
import type { Database } from './database.js';

export interface AuditEventRecord extends AuditRecord {
  /** 1 for the first event, without gaps. */
  readonly sequence: number;
  /** The link to the event before: see audit-chain.ts. */
  readonly hash: Uint8Array;
}

export interface AuditFilter {
  readonly action?: string;
  readonly outcome?: string;
  readonly subject?: string;
  /** The id of the device that they are part of the history of. */
  readonly device?: string;
  /** The lowest sequence of the page before. */
  readonly before?: number;
  /** The size of a page. */
  readonly limit: number;
}

/** Where a page begins: after this event. */
export interface AuditPosition {
  readonly at: number;
  readonly sequence: number;
}

export interface AuditSearch {
  readonly action?: string;
  readonly outcome?: string;
  readonly subject?: string;
  /** The id of the device that they are part of the history of. */
  readonly device?: string;
  /** Oldest first. */
  readonly ascending?: boolean;
  /** Epoch milliseconds: from this time on, and before this one. */
  readonly from?: number;
  readonly to?: number;
  readonly after?: AuditPosition;
  /** How many fit, at most. */
  readonly limit: number;
  /** How many events are looked at, at most. */
  readonly window: number;
}

/** `next` is where to go on; it is undefined at the log's end. */
export type ChainCheck =
  | { readonly intact: true; readonly checked: number; readonly next: number | undefined }
  | { readonly intact: false; readonly sequence: number };

export function createAuditRepository(database: Database) {
  const { read, find, list } = database.tables<Tables>();
  const links = read((db, slot: { from: number; limit: number }) =>
    db
      .selectFrom('auditEvent')
      .select(['sequence', 'content', 'hash'])
      .where('sequence', '>=', slot.from)
      .orderBy('sequence')
      .limit(slot.limit),
  );

  return {
    findById: find((db, slot: { id: string }) => db.selectFrom('auditEvent').select(columns).where('id', '=', slot.id)),

    /** A page of those that fit every given filter, latest first. */
    list: (filter: AuditFilter) =>
      list((db) => {
        const { before, limit } = filter;
        let query = db.selectFrom('auditEvent').select(columns);
        for (const column of ['action', 'outcome', 'subject', 'device'] as const) {
          const wanted = filter[column];
          query = wanted === undefined ? query : query.where(column, '=', wanted);
        }
        if (before !== undefined) {
          query = query.where('sequence', '<', before);
        }
        return query.orderBy('sequence', 'desc').limit(limit);
      }),

    /**
     * Events that fit, latest first unless asked otherwise: by time, those of a subject or device in the order in which they were
     * written. Not all events may have been looked at: `next` is where to go on, and undefined at the log's end.
     */
    async search({ limit, window, ...wanted }: AuditSearch): Promise<{
      readonly found: readonly AuditEventRecord[];
      readonly next: AuditPosition | undefined;
    }> {
      const found = await list((db) => {
        let query = db
          .selectFrom(
            lookedAt(db, wanted)
              .select([...columns, 'device'])
              .limit(window)
              .as('events'),
          )
          .select(columns.map((column) => `events.${column}` as const));
        for (const column of ['action', 'outcome', 'device'] as const) {
          const value = wanted[column];
          query = value === undefined ? query : query.where(`events.${column}`, '=', value);
        }
        if (wanted.from !== undefined) query = query.where('events.at', '>=', wanted.from);
        if (wanted.to !== undefined) query = query.where('events.at', '<', wanted.to);
        const direction = wanted.ascending ? 'asc' : 'desc';
        if (wanted.subject === undefined && wanted.device === undefined) query = query.orderBy('events.at', direction);
        return query.orderBy('events.sequence', direction).limit(limit);
      });
      const last = found.at(-1);
      if (last !== undefined && found.length === limit)
        return { found, next: { at: last.at, sequence: last.sequence } };
      const [end] = await list((db) =>
        lookedAt(db, wanted)
          .select(['at', 'sequence'])
          .limit(1)
          .offset(window - 1),
      );
      return { found, next: end };
    },

    /**
     * Computes up to `limit` links anew, beginning with the sequence `from` (the first is 1), and names the first event
     * that does not fit. Events cut off at the end do not show: compare the last sequence with one noted elsewhere.
     */
    async verifyChain({ from, limit }: { from: number; limit: number }): Promise<ChainCheck> {
      const before = from === 1 ? chainStart : (await links({ from: from - 1, limit: 1 }))[0];
      if (before?.sequence !== from - 1) {
        return { intact: false, sequence: from - 1 };
      }
      let head: ChainHead = before;
      for (let checked = 0; ; ) {
        const part = Math.min(linksAtOnce, limit - checked);
        const events = await links({ from: from + checked, limit: part });
        for (const event of events) {
          const expected = nextHead(head, event.content);
          if (event.sequence !== expected.sequence || Buffer.compare(event.hash, expected.hash) !== 0) {
            return { intact: false, sequence: expected.sequence };
          }
          head = event;
        }
        checked += events.length;
        if (events.length < part) return { intact: true, checked, next: undefined };
        if (checked === limit) return { intact: true, checked, next: from + limit };
        await setImmediate();
      }
    },
  };
}

/** Hashed in some milliseconds; devices get their turn in between. */
const linksAtOnce = 250;

type Tables = { auditEvent: AuditEventRecord };

/** Where an index leads: to the events of a subject or device by sequence, else to all by time. */
function lookedAt(
  db: QueryCreator<Tables>,
  { subject, device, ascending, from, to, after }: Omit<AuditSearch, 'action' | 'outcome' | 'limit' | 'window'>,
) {
  let query = db.selectFrom('auditEvent');
  const [beyond, direction] = ascending ? (['>', 'asc'] as const) : (['<', 'desc'] as const);
  if (subject !== undefined || device !== undefined) {
    query = subject === undefined ? query.where('device', '=', device ?? '') : query.where('subject', '=', subject);
    if (after !== undefined) query = query.where('sequence', beyond, after.sequence);
    return query.orderBy('sequence', direction);
  }
  if (from !== undefined) query = query.where('at', '>=', from);
  if (to !== undefined) query = query.where('at', '<', to);
  if (after !== undefined) {
    query = query.where((row) => row(row.refTuple('at', 'sequence'), beyond, row.tuple(after.at, after.sequence)));
  }
  return query.orderBy('at', direction).orderBy('sequence', direction);
}

const columns = ['sequence', 'id', 'at', 'action', 'outcome', 'subject', 'content', 'hash'] as const;
