/** What the store keeps of a published CRL. */

/** What there is to know of a full CRL, but for the list itself. */
export interface CrlHeader {
  /** The generation of the CA that signed it. */
  readonly issuerId: string;
  readonly partition: number;
  /** CRLNumber (RFC 5280 5.2.3). */
  readonly number: number;
  /** Epoch milliseconds, as are the other times. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** The changes that it has: see `CrlRepository.state`. */
  readonly revision: number;
  /** A strong entity tag (RFC 9110 8.8.3), quotes included. */
  readonly etag: string;
  /** How many certificates it lists. */
  readonly entries: number;
  /** The URLs in its issuingDistributionPoint, separated by spaces; null without the extension. */
  readonly scope: string | null;
  /** Of the last regular CRL, this one or one before it, which deltas are made against; null if there is none yet. */
  readonly baseNumber: number | null;
  readonly baseAt: number | null;
  readonly baseRevision: number | null;
  readonly baseScope: string | null;
}

export interface CrlRecord extends CrlHeader {
  readonly der: Uint8Array;
}

/** A delta CRL (RFC 5280 5.2.4). */
export interface DeltaRecord
  extends Pick<
    CrlRecord,
    'issuerId' | 'partition' | 'number' | 'thisUpdate' | 'nextUpdate' | 'revision' | 'etag' | 'entries' | 'der'
  > {
  readonly baseNumber: number;
}

export const crlHeaderColumns = [
  'issuerId',
  'partition',
  'number',
  'thisUpdate',
  'nextUpdate',
  'revision',
  'etag',
  'entries',
  'scope',
  'baseNumber',
  'baseAt',
  'baseRevision',
  'baseScope',
] as const satisfies readonly (keyof CrlHeader)[];

export const crlColumns = [...crlHeaderColumns, 'der'] as const;

export const deltaColumns = [
  'issuerId',
  'partition',
  'number',
  'baseNumber',
  'der',
  'thisUpdate',
  'nextUpdate',
  'revision',
  'etag',
  'entries',
] as const satisfies readonly (keyof DeltaRecord)[];
