/** CertTemplate (RFC 4211 5), with any field there or not. */
import type { KeyObject } from 'node:crypto';
import { explicit, implicit, sequence, smallInteger, time, unsignedInteger } from '../../../src/x509/der-writer.js';
import { type Extension, encodeExtensions } from '../../../src/x509/extensions.js';
import { distinguishedName } from './header.js';

export interface TemplateFields {
  /** 2 is v3. */
  readonly version?: number;
  /** Hex. */
  readonly serialNumber?: string;
  /** DER AlgorithmIdentifier. */
  readonly signingAlg?: Uint8Array;
  /** Names: RFC 4514 text, or a DER Name. */
  readonly issuer?: string | Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly subject?: string | Uint8Array;
  /** DER SubjectPublicKeyInfo; an empty key in it asks for central key generation. */
  readonly publicKey?: Uint8Array;
  /** DER BIT STRING. */
  readonly issuerUid?: Uint8Array;
  readonly subjectUid?: Uint8Array;
  readonly extensions?: readonly Extension[];
}
export type TemplateField = keyof TemplateFields;

/** DER. Its tags are IMPLICIT, but EXPLICIT on the CHOICEs Name and Time. */
export function encodeTemplate(fields: TemplateFields): Uint8Array {
  const { version, serialNumber, signingAlg, issuer, notBefore, notAfter, subject, publicKey, extensions } = fields;
  const validity = sequence(notBefore && explicit(0, time(notBefore)), notAfter && explicit(1, time(notAfter)));
  return sequence(
    version === undefined ? undefined : implicit(0, smallInteger(version)),
    serialNumber === undefined ? undefined : implicit(1, unsignedInteger(Buffer.from(serialNumber, 'hex'))),
    signingAlg && implicit(2, signingAlg),
    issuer === undefined ? undefined : explicit(3, distinguishedName(issuer)),
    notBefore || notAfter ? implicit(4, validity) : undefined,
    subject === undefined ? undefined : explicit(5, distinguishedName(subject)),
    publicKey && implicit(6, publicKey),
    fields.issuerUid && implicit(7, fields.issuerUid),
    fields.subjectUid && implicit(8, fields.subjectUid),
    extensions && implicit(9, encodeExtensions(extensions)),
  );
}

/** The SubjectPublicKeyInfo that asks for a key like this one to be made (RFC 9483 4.1.6). */
export function keyWish(like: KeyObject): Uint8Array {
  return sequence(algorithmOf(like.export({ type: 'spki', format: 'der' })), Uint8Array.of(3, 1, 0));
}

/** The first element of a SubjectPublicKeyInfo, whose own length is of one or two more octets. */
function algorithmOf(spki: Buffer): Uint8Array {
  const start = (spki[1] ?? 0) < 0x80 ? 2 : 2 + ((spki[1] ?? 0) & 0x7f);
  return spki.subarray(start, start + 2 + (spki[start + 1] ?? 0));
}
