/** CertificateList (RFC 5280 5): codec of full CRLs, parts of them and deltas. */

import { DerError, DerReader, Tag } from './der.js';
import {
  bitString,
  explicit,
  generalizedTime,
  sequence,
  smallInteger,
  time,
  tlv,
  unsignedInteger,
} from './der-writer.js';
import { type Extension, encodeExtension, findExtension, readExtensions } from './extensions.js';
import { idCeCertificateIssuer, idCeCrlReasons, idCeInvalidityDate } from './oids.js';
import { serialNumberBytes, serialNumberHex } from './serial-number.js';

export type RevocationReason = Exclude<(typeof reasonsByCode)[number], undefined>;

/** The CRLReason code of a reason (RFC 5280 5.3.1). */
export function revocationReasonCode(reason: RevocationReason): number {
  return reasonsByCode.indexOf(reason);
}

/** Finds the reason of a CRLReason code. */
export function revocationReasonOf(code: number): RevocationReason | undefined {
  return reasonsByCode[code];
}

export interface RevokedCertificate {
  /** Lower-case hex. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  /** Absent is the same as unspecified, which is not written (RFC 5280 5.3.1). */
  readonly reason?: RevocationReason;
  /** Since when the key is suspected (RFC 5280 5.3.2). */
  readonly invalidityDate?: Date;
}

interface ListHeader {
  /** DER AlgorithmIdentifier of the issuer's signature. */
  readonly signatureAlgorithm: Uint8Array;
  /** DER Name. */
  readonly issuer: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** cRLNumber, authorityKeyIdentifier, issuingDistributionPoint, deltaCRLIndicator, freshestCRL. */
  readonly extensions: readonly Extension[];
}

export interface TbsCertList extends ListHeader {
  /** One after the other, as {@link encodeRevokedCertificate} writes them. */
  readonly entries: Uint8Array;
}

/** Encodes a TBSCertList of version 2; without entries the list is left out, as it must be (5.1.2.6). */
export function encodeTbsCertList(list: TbsCertList): Uint8Array {
  return sequence(
    version2,
    list.signatureAlgorithm,
    list.issuer,
    time(list.thisUpdate),
    time(list.nextUpdate),
    list.entries.length === 0 ? undefined : sequence(list.entries),
    explicit(0, sequence(...list.extensions.map(encodeExtension))),
  );
}

/** Puts a CertificateList together; the algorithm must be the one inside the TBSCertList. */
export function encodeCertificateList(
  tbs: Uint8Array,
  signatureAlgorithm: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  return sequence(tbs, signatureAlgorithm, bitString(signature));
}

export interface CertificateList extends Omit<ListHeader, 'nextUpdate'> {
  readonly der: Uint8Array;
  /** DER TBSCertList: what is signed. */
  readonly tbs: Uint8Array;
  readonly nextUpdate?: Date;
  readonly revokedCertificates: readonly RevokedCertificate[];
  readonly signature: Uint8Array;
}

/**
 * Decodes a CRL; the signature is not verified, and critical extensions of the list are the caller's to judge.
 * @throws DerError also for an entry of another issuer (5.3.3) or with another critical extension, which would change what it says
 */
export function decodeCertificateList(der: Uint8Array): CertificateList {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const tbs = c.element(Tag.sequence);
      const list = DerReader.decode(tbs, readTbs);
      const signatureAlgorithm = c.element(Tag.sequence);
      if (Buffer.compare(list.signatureAlgorithm, signatureAlgorithm) !== 0) {
        throw new DerError('signature algorithms of CRL differ', 0);
      }
      return { der, tbs, ...list, signature: c.bitString() };
    }),
  );
}

/** The entries of a CRL, one after the other as they are in it, without a look at each. @throws DerError */
export function readEntries(der: Uint8Array): Uint8Array {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const entries = c.inside(Tag.sequence, (t) => {
        for (let fields = 0; t.more && fields < fieldsBeforeEntries; fields++) t.element();
        const found = t.tag === Tag.sequence ? t.content(Tag.sequence) : new Uint8Array();
        if (t.more) t.element(Tag.context(0));
        return found;
      });
      c.element(Tag.sequence);
      c.element(Tag.bitString);
      return entries;
    }),
  );
}

/** The entries of such a list one after the other, so that who reads a long one can pause. @throws DerError */
export function* eachEntry(
  entries: Uint8Array,
): Generator<{ readonly serialNumber: string; readonly der: Uint8Array }> {
  let at = 0;
  while (at < entries.length) {
    const first = entries[at + 1] ?? 0;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    let length = octets === 0 ? first : 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (entries[at + 2 + i] ?? 0);
    const end = at + 2 + octets + length;
    const der = entries.subarray(at, end);
    yield { serialNumber: DerReader.decode(der, readSerialNumber), der };
    at = end;
  }
}

/** An entry as it is in a list (5.3). */
export function encodeRevokedCertificate({
  serialNumber,
  revokedAt,
  reason,
  invalidityDate,
}: RevokedCertificate): Uint8Array {
  const coded = reason && reasonExtensions.get(reason);
  const suspected = invalidityDate && encodeInvalidityDate(invalidityDate);
  const extensions = coded || suspected ? sequence(coded, suspected) : undefined;
  return sequence(encodeSerialNumber(serialNumber), time(revokedAt), extensions);
}

/** DER INTEGER of a serial number, lower-case hex. */
export function encodeSerialNumber(serialNumber: string): Uint8Array {
  return unsignedInteger(serialNumberBytes(serialNumber));
}

const reasonsByCode = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
] as const;
/** All reasons that there are (RFC 5280 5.3.1), in the order of their codes. */
export const revocationReasons = reasonsByCode.filter((reason) => reason !== undefined);
const version2 = smallInteger(1);
/** version, signature, issuer, thisUpdate and nextUpdate: of the lists that {@link encodeTbsCertList} has written. */
const fieldsBeforeEntries = 5;
const reasonExtensions: ReadonlyMap<string, Uint8Array> = new Map(
  reasonsByCode.flatMap((reason, code) => {
    if (reason === undefined || reason === 'unspecified') return [];
    const value = tlv(Tag.enumerated, Uint8Array.of(code));
    return [[reason, encodeExtension({ id: idCeCrlReasons, critical: false, value })] as const];
  }),
);

function encodeInvalidityDate(date: Date): Uint8Array {
  return encodeExtension({ id: idCeInvalidityDate, critical: false, value: generalizedTime(date) });
}

function readTbs(reader: DerReader): Omit<CertificateList, 'der' | 'tbs' | 'signature'> {
  return reader.sequence((t) => {
    const from = t.offset;
    const isVersion2 = t.tag === Tag.integer;
    if (isVersion2 && t.smallInteger() !== 1) throw new DerError('unknown version of CRL', from);
    const signatureAlgorithm = t.element(Tag.sequence);
    const issuer = t.element(Tag.sequence);
    const thisUpdate = t.time();
    const nextUpdate = t.tag === Tag.utcTime || t.tag === Tag.generalizedTime ? t.time() : undefined;
    const revokedCertificates = t.tag === Tag.sequence ? t.each(Tag.sequence, readEntry) : [];
    const extensions = isVersion2 && t.tag === Tag.context(0) ? t.inside(Tag.context(0), readExtensions) : [];
    const list = { signatureAlgorithm, issuer, thisUpdate, revokedCertificates, extensions };
    return nextUpdate === undefined ? list : { ...list, nextUpdate };
  });
}

function readEntry(reader: DerReader): RevokedCertificate {
  return reader.sequence((e) => {
    const serialNumber = serialNumberHex(e.integer());
    const revokedAt = e.time();
    const from = e.offset;
    const extensions = e.more ? readExtensions(e) : [];
    const unknown = extensions.find(
      ({ id, critical }) => (critical && id !== idCeCrlReasons) || id === idCeCertificateIssuer,
    );
    if (unknown !== undefined) throw new DerError(`extension ${unknown.id} of CRL entry`, from);
    const coded = findExtension(extensions, idCeCrlReasons);
    const suspected = findExtension(extensions, idCeInvalidityDate);
    return {
      serialNumber,
      revokedAt,
      ...(coded && { reason: readReason(coded.value) }),
      ...(suspected && { invalidityDate: DerReader.decode(suspected.value, (r) => r.generalizedTime()) }),
    };
  });
}

function readSerialNumber(reader: DerReader): string {
  return reader.sequence((e) => {
    const serialNumber = serialNumberHex(e.integer());
    while (e.more) e.element();
    return serialNumber;
  });
}

function readReason(value: Uint8Array): RevocationReason {
  const reason = revocationReasonOf(DerReader.decode(value, (r) => r.smallInteger(Tag.enumerated)));
  if (reason === undefined) throw new DerError('unknown CRLReason', 0);
  return reason;
}
