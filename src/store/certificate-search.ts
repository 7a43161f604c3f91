/**
 * The inventory as people search it. Only few conditions have an index, since every enrollment would pay for more: the others are
 * looked at along the time, part by part, so that no single query keeps the gateway from its devices.
 */
import { type ExpressionBuilder, sql } from 'kysely';
import { type CertificateRecord, certificateColumns } from './certificate-record.js';
import type { Database } from './database.js';

/** What a certificate is taken for: the record's status, and what time has made of it. */
export type ShownStatus = CertificateRecord['status'] | 'unconfirmed' | 'expired';

export interface CertificateConditions {
  /** Of these; together with the next four the conditions that few certificates fit, and that are looked up at once. */
  readonly ids?: readonly string[];
  readonly deviceId?: string;
  /** Of these devices; not an empty list. */
  readonly deviceIds?: readonly string[];
  readonly certificateFingerprint?: string;
  readonly keyFingerprint?: string;
  /** Not an empty list. */
  readonly policies?: readonly string[];
  readonly profile?: string;
  readonly usage?: CertificateRecord['usage'];
  readonly issuerId?: string;
  readonly protocol?: string;
  /** The static group of its device. */
  readonly deviceGroup?: string;
  /** `at`: epoch milliseconds. */
  readonly status?: { readonly is: ShownStatus; readonly at: number };
  /** Part of the RFC 4514 subject; letters A to Z in either case. */
  readonly subject?: string;
  /** A whole subject alternative name, in lower case: `dns:pump-1.example`, or its value alone. */
  readonly name?: string;
  /** Part of the subject, or of a subject alternative name. */
  readonly text?: string;
  readonly issuedAt?: Period;
  readonly notAfter?: Period;
}

/** Epoch milliseconds. */
export interface Period {
  readonly from?: number;
  readonly before?: number;
}

export interface CertificateOrder {
  readonly by: 'issuedAt' | 'notAfter';
  readonly descending: boolean;
}

/** A place in an order: that of a certificate, which may be gone. */
export interface CertificatePlace {
  readonly at: number;
  readonly id: string;
}

/** Part of an order: what comes after `after`, up to and with `upTo`. */
export interface CertificatePart {
  readonly conditions: CertificateConditions;
  readonly order: CertificateOrder;
  readonly after?: CertificatePlace;
  readonly upTo?: CertificatePlace;
  readonly limit: number;
}

export type FoundCertificate = CertificateRecord & {
  /** Until when it is to be replaced, epoch milliseconds. */
  readonly replaceBy: number | null;
};

export function createCertificateSearch(database: Database) {
  const { list, read, write } = database.tables<Tables>();

  return {
    /** Those of a part that fit all conditions. */
    search: ({ conditions, order, after, upTo, limit }: CertificatePart): Promise<FoundCertificate[]> =>
      list((db) => {
        let query = db
          .selectFrom('certificate')
          .select([...certificateColumns, 'replaceBy'])
          .where((row) => row.and([...plain(row, conditions), ...periods(row, conditions, order.by)]));
        if (after) query = query.where((row) => row(row.refTuple(order.by, 'id'), beyond(order), place(row, after)));
        if (upTo) query = query.where((row) => row(row.refTuple(order.by, 'id'), within(order), place(row, upTo)));
        const direction = order.descending ? 'desc' : 'asc';
        return query.orderBy(order.by, direction).orderBy('id', direction).limit(limit);
      }),

    /** Where a part of this many certificates ends, whatever their other conditions; undefined if there are no more. */
    endOfPart: async ({ conditions, order, after }: CertificatePart, size: number) => {
      const [end] = await list((db) => {
        let query = db
          .selectFrom('certificate')
          .select([`${order.by} as at`, 'id'])
          .where((row) => row.and(period(row, order.by, conditions[order.by])));
        if (after) query = query.where((row) => row(row.refTuple(order.by, 'id'), beyond(order), place(row, after)));
        const direction = order.descending ? 'desc' : 'asc';
        return query
          .orderBy(order.by, direction)
          .orderBy('id', direction)
          .limit(1)
          .offset(size - 1);
      });
      return end;
    },

    /** Those whose subject alternative names have not been read yet, because they were issued before that was done. */
    unnamed: read((db, slot: { limit: number }) =>
      db
        .selectFrom('certificate')
        .select(['id', 'der'])
        .where(sql<boolean>`names is null`)
        .orderBy('id')
        .limit(slot.limit),
    ),

    setNames: write((db, slot: { id: string; names: string }) =>
      db.updateTable('certificate').set({ names: slot.names }).where('id', '=', slot.id),
    ),
  };
}

interface Tables {
  certificate: FoundCertificate & { readonly names: string | null };
  device: { readonly id: string; readonly groupName: string };
}
type Row = ExpressionBuilder<Tables, 'certificate'>;

function plain(row: Row, conditions: CertificateConditions) {
  const { ids, deviceIds, policies, deviceGroup, status, subject, name, text } = conditions;
  const equal = equalColumns.flatMap((column) => {
    const wanted = conditions[column];
    return wanted === undefined ? [] : [row(column, '=', wanted)];
  });
  return [
    ...equal,
    ...(ids === undefined ? [] : [row('id', 'in', ids)]),
    ...(deviceIds === undefined ? [] : [row('deviceId', 'in', deviceIds)]),
    ...(policies === undefined ? [] : [row('policy', 'in', policies)]),
    ...(deviceGroup === undefined ? [] : [isOfGroup(row, deviceGroup)]),
    ...(status === undefined ? [] : hasStatus(row, status)),
    ...(subject === undefined ? [] : [contains('subject', subject)]),
    ...(name === undefined ? [] : [hasName(name)]),
    ...(text === undefined ? [] : [row.or([contains('subject', text), contains('names', text)])]),
  ];
}

const equalColumns = [
  'deviceId',
  'certificateFingerprint',
  'keyFingerprint',
  'profile',
  'usage',
  'issuerId',
  'protocol',
] as const;

function isOfGroup(row: Row, group: string) {
  return row.exists(
    row
      .selectFrom('device')
      .select('device.id')
      .whereRef('device.id', '=', 'certificate.deviceId')
      .where('device.groupName', '=', group),
  );
}

/** As statusOf has it. */
function hasStatus(row: Row, { is, at }: NonNullable<CertificateConditions['status']>) {
  const isLapsed = row.and([row('status', '=', 'valid'), row('confirmBy', 'is not', null), row('confirmBy', '<=', at)]);
  switch (is) {
    case 'held':
      return [row('status', '=', 'held')];
    case 'revoked':
      return [row.or([row('status', '=', 'revoked'), isLapsed])];
    case 'expired':
      return [row('status', '=', 'valid'), row.not(isLapsed), row(unindexed('notAfter'), '<', at)];
    case 'unconfirmed':
      return [row('status', '=', 'valid'), row('confirmBy', '>', at), row(unindexed('notAfter'), '>=', at)];
    case 'valid':
      return [row('status', '=', 'valid'), row('confirmBy', 'is', null), row(unindexed('notAfter'), '>=', at)];
  }
}

/** An expression, so that SQLite goes along the order: by another index it would look at all that fit, and sort them. */
function unindexed(column: 'issuedAt' | 'notAfter') {
  return sql<number>`${sql.ref(column)} + 0`;
}

function periods(row: Row, { issuedAt, notAfter }: CertificateConditions, ordered: CertificateOrder['by']) {
  return [
    ...period(row, ordered === 'issuedAt' ? 'issuedAt' : unindexed('issuedAt'), issuedAt),
    ...period(row, ordered === 'notAfter' ? 'notAfter' : unindexed('notAfter'), notAfter),
  ];
}

function period(
  row: Row,
  column: CertificateOrder['by'] | ReturnType<typeof unindexed>,
  { from, before }: Period = {},
) {
  return [
    ...(from === undefined ? [] : [row(column, '>=', from)]),
    ...(before === undefined ? [] : [row(column, '<', before)]),
  ];
}

function contains(column: 'subject' | 'names', text: string) {
  return sql<boolean>`lower(${sql.ref(column)}) like ${`%${escaped(text)}%`} escape '\\'`;
}

/** Each name stands between line feeds, and begins with its type. */
function hasName(name: string) {
  const isTyped = nameTypes.some((type) => name.startsWith(`${type}:`));
  const pattern = isTyped ? `%\n${escaped(name)}\n%` : `%:${escaped(name)}\n%`;
  return sql<boolean>`${sql.ref('names')} like ${pattern} escape '\\'`;
}

const nameTypes = ['dns', 'ip', 'email', 'uri', 'directoryname', 'registeredid', 'othername'];

function escaped(text: string): string {
  return text.toLowerCase().replace(/[\\%_]/g, '\\$&');
}

function beyond({ descending }: CertificateOrder) {
  return descending ? '<' : '>';
}

function within({ descending }: CertificateOrder) {
  return descending ? '>=' : '<=';
}

function place(row: Row, { at, id }: CertificatePlace) {
  return row.tuple(at, id);
}
