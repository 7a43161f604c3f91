/** Unmanaged CAs: CA certificates in the hands of gateways, renewals with what they renew. */
import { certificateColumns } from './certificate-record.js';
import type { FoundCertificate } from './certificate-search.js';
import { containsText } from './contains-text.js';
import type { Database } from './database.js';
import { slotsOf } from './query.js';

/** What the CRL of one was at the last look: `late` is past its nextUpdate. */
export type WatchedCrlState = 'fresh' | 'late' | 'unreachable' | 'bad';

export interface UnmanagedCaRecord {
  readonly id: string;
  /** Empty where nobody knows any more. */
  readonly division: string;
  readonly deviceId: string | null;
  /** RFC 4514 text, of its first certificate. */
  readonly subject: string;
  /** Epoch milliseconds, as are the other times. */
  readonly createdAt: number;
  /** Null where none is watched; then all that follows is as well. */
  readonly crlUrl: string | null;
  readonly crlState: WatchedCrlState | null;
  /** One sentence. */
  readonly crlProblem: string | null;
  readonly crlCheckedAt: number | null;
  /** When to look again. */
  readonly crlDueAt: number | null;
  readonly crlThisUpdate: number | null;
  readonly crlNextUpdate: number | null;
  /** cRLNumber, decimal: of up to 20 octets. */
  readonly crlNumber: string | null;
  readonly crlEtag: string | null;
}

export interface UnmanagedCaCertificateRecord {
  readonly certificateId: string;
  readonly unmanagedCaId: string;
}

interface UnmanagedCaFilter {
  /** Of these divisions; of all where absent. */
  readonly divisions?: readonly string[];
  readonly deviceId?: string;
  /** Part of the subject; letters A to Z in either case. */
  readonly search?: string;
  readonly descending?: boolean;
  /** The last one of the page before. */
  readonly after?: UnmanagedCaPlace;
  readonly limit: number;
}

/** A place in the order in which they were made: that of one that was there, and may be gone. */
export type UnmanagedCaPlace = Pick<UnmanagedCaRecord, 'createdAt' | 'id'>;

export function createUnmanagedCaRepository(database: Database) {
  const { write, read, find, list } = database.tables<{
    unmanagedCa: UnmanagedCaRecord;
    unmanagedCaCertificate: UnmanagedCaCertificateRecord;
    certificate: FoundCertificate;
  }>();

  return {
    insert: write((db, slot: Pick<UnmanagedCaRecord, (typeof ownColumns)[number]>) =>
      db.insertInto('unmanagedCa').values(slotsOf(slot, ownColumns)),
    ),

    /** Puts a certificate to its CA, in the change that issues it. */
    addCertificate: write((db, slot: UnmanagedCaCertificateRecord) =>
      db.insertInto('unmanagedCaCertificate').values(slotsOf(slot, ['certificateId', 'unmanagedCaId'])),
    ),

    findById: find((db, slot: { id: string }) =>
      db.selectFrom('unmanagedCa').select(columns).where('id', '=', slot.id),
    ),

    findByCertificate: find((db, slot: { certificateId: string }) =>
      db
        .selectFrom('unmanagedCaCertificate')
        .innerJoin('unmanagedCa', 'unmanagedCa.id', 'unmanagedCaCertificate.unmanagedCaId')
        .select(qualifiedColumns)
        .where('certificateId', '=', slot.certificateId),
    ),

    /** A page of those that fit every given filter, in the order in which they were made. */
    list: ({ divisions, deviceId, search, descending = false, after, limit }: UnmanagedCaFilter) =>
      list((db) => {
        let query = db.selectFrom('unmanagedCa').select(columns);
        if (divisions !== undefined) query = query.where('division', 'in', divisions);
        if (deviceId !== undefined) query = query.where('deviceId', '=', deviceId);
        if (search !== undefined) query = query.where((row) => containsText(row.ref('subject'), search));
        if (after !== undefined) {
          query = query.where((row) =>
            row(row.refTuple('createdAt', 'id'), descending ? '<' : '>', row.tuple(after.createdAt, after.id)),
          );
        }
        const direction = descending ? 'desc' : 'asc';
        return query.orderBy('createdAt', direction).orderBy('id', direction).limit(limit);
      }),

    /** The latest first. */
    certificatesOf: read((db, slot: { unmanagedCaId: string; limit: number }) =>
      db
        .selectFrom('unmanagedCaCertificate')
        .innerJoin('certificate', 'certificate.id', 'unmanagedCaCertificate.certificateId')
        .select(qualifiedCertificateColumns)
        .where('unmanagedCaId', '=', slot.unmanagedCaId)
        .orderBy('certificate.issuedAt', 'desc')
        .orderBy('certificate.id', 'desc')
        .limit(slot.limit),
    ),

    /** Those that can be revoked `at` (epoch milliseconds): held, or valid, confirmed or yet to be, and not expired. */
    revocableOf: read((db, slot: { unmanagedCaId: string; at: number; limit: number }) =>
      db
        .selectFrom('unmanagedCaCertificate')
        .innerJoin('certificate', 'certificate.id', 'unmanagedCaCertificate.certificateId')
        .select(qualifiedCertificateColumns)
        .where('unmanagedCaId', '=', slot.unmanagedCaId)
        .where((row) =>
          row.or([
            row('certificate.status', '=', 'held'),
            row.and([
              row('certificate.status', '=', 'valid'),
              row('certificate.notAfter', '>=', slot.at),
              row.or([row('certificate.confirmBy', 'is', null), row('certificate.confirmBy', '>', slot.at)]),
            ]),
          ]),
        )
        .orderBy('certificate.id')
        .limit(slot.limit),
    ),

    /** What CAs here have issued to foreign ones by an operator's act, under no policy: the latest first. */
    crossCertificates: ({ issuers, limit }: { readonly issuers: readonly string[]; readonly limit: number }) =>
      list((db) =>
        db
          .selectFrom('unmanagedCaCertificate')
          .innerJoin('certificate', 'certificate.id', 'unmanagedCaCertificate.certificateId')
          .select(['unmanagedCaCertificate.unmanagedCaId', ...qualifiedCertificateColumns])
          .where('certificate.policy', '=', '')
          .where('certificate.issuerId', 'in', issuers)
          .orderBy('certificate.issuedAt', 'desc')
          .orderBy('certificate.id', 'desc')
          .limit(limit),
      ),

    /** Watches a CRL from now on, or none where `crlUrl` and `crlDueAt` are null: what was known of another one is forgotten. */
    watch: write((db, slot: Pick<UnmanagedCaRecord, 'id' | 'crlUrl' | 'crlDueAt'>) =>
      db
        .updateTable('unmanagedCa')
        .set({ ...unwatched, crlUrl: slot.crlUrl, crlDueAt: slot.crlDueAt })
        .where('id', '=', slot.id),
    ),

    /** Those to look at by now, the longest due first. */
    dueCrls: read((db, slot: { now: number; limit: number }) =>
      db
        .selectFrom('unmanagedCa')
        .select(columns)
        .where('crlDueAt', '<=', slot.now)
        .orderBy('crlDueAt')
        .limit(slot.limit),
    ),

    /** What came of a look. Refused as 'invalid-state' where another CRL is watched since. */
    recordCrl: write(
      (db, slot: Pick<UnmanagedCaRecord, 'id' | 'crlUrl' | (typeof lookColumns)[number]>) =>
        db
          .updateTable('unmanagedCa')
          .set(slotsOf(slot, lookColumns))
          .where('id', '=', slot.id)
          .where('crlUrl', '=', slot.crlUrl),
      { rows: 1, otherwise: 'invalid-state' },
    ),
  };
}

const ownColumns = ['id', 'division', 'deviceId', 'subject', 'createdAt'] as const;
const lookColumns = [
  'crlState',
  'crlProblem',
  'crlCheckedAt',
  'crlDueAt',
  'crlThisUpdate',
  'crlNextUpdate',
  'crlNumber',
  'crlEtag',
] as const;
const columns = [...ownColumns, 'crlUrl', ...lookColumns] as const satisfies readonly (keyof UnmanagedCaRecord)[];
const qualifiedColumns = columns.map((column) => `unmanagedCa.${column}` as const);
const qualifiedCertificateColumns = [...certificateColumns, 'replaceBy' as const].map(
  (column) => `certificate.${column}` as const,
);
const unwatched = {
  crlUrl: null,
  crlState: null,
  crlProblem: null,
  crlCheckedAt: null,
  crlDueAt: null,
  crlThisUpdate: null,
  crlNextUpdate: null,
  crlNumber: null,
  crlEtag: null,
} as const;
