/** Reads of the audit log; only the writer adds to it. */
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

/** `next` is where to go on; it is undefined at the log's end. */
export type ChainCheck =
  | { readonly intact: true; readonly checked: number; readonly next: number | undefined }
  | { readonly intact: false; readonly sequence: number };

export function createAuditRepository(database: Database) {
  const { read, find, list } = database.tables<{ auditEvent: AuditEventRecord }>();
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
     * Computes up to `limit` links anew, beginning with the sequence `from` (the first is 1), and names the first event
     * that does not fit. Events cut off at the end do not show: compare the last sequence with one noted elsewhere.
     */
    async verifyChain({ from, limit }: { from: number; limit: number }): Promise<ChainCheck> {
      const before = from === 1 ? chainStart : (await links({ from: from - 1, limit: 1 }))[0];
      if (before?.sequence !== from - 1) {
        return { intact: false, sequence: from - 1 };
      }
      let head: ChainHead = before;
      const events = await links({ from, limit });
      for (const event of events) {
        const expected = nextHead(head, event.content);
        if (event.sequence !== expected.sequence || Buffer.compare(event.hash, expected.hash) !== 0) {
          return { intact: false, sequence: expected.sequence };
        }
        head = event;
      }
      return { intact: true, checked: events.length, next: events.length < limit ? undefined : from + limit };
    },
  };
}

const columns = ['sequence', 'id', 'at', 'action', 'outcome', 'subject', 'content', 'hash'] as const;
