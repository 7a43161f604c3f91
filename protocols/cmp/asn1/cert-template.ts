/** CertTemplate (RFC 4211 section 5): what a request wishes, what a revocation describes, what certReqTemplate demands. */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, implicit, sequence, time, tlv, unsignedInteger } from '../../../src/x509/der-writer.js';
import { decodeExtensions, type Extension, encodeExtensions } from '../../../src/x509/extensions.js';
import { serialNumberBytes, serialNumberHex } from '../../../src/x509/serial-number.js';
import { encodeNumber, readExplicit, readImplicit, readNumber, readPublicKeyInfo } from './building-blocks.js';

/** Every field may be absent. */
export interface CertTemplate {
  /** 2 means v3. */
  readonly version?: number | undefined;
  /** Lower-case hex. */
  readonly serialNumber?: string | undefined;
  /** DER AlgorithmIdentifier. */
  readonly signingAlg?: Uint8Array | undefined;
  /** DER Name. */
  readonly issuer?: Uint8Array | undefined;
  readonly validity?: OptionalValidity | undefined;
  /** DER Name. */
  readonly subject?: Uint8Array | undefined;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey?: Uint8Array | undefined;
  /** DER AlgorithmIdentifier of a key that the CA shall make: the publicKey was an empty BIT STRING (RFC 9483 4.1.6). */
  readonly publicKeyWish?: Uint8Array | undefined;
  /** DER BIT STRING. */
  readonly issuerUID?: Uint8Array | undefined;
  /** DER BIT STRING. */
  readonly subjectUID?: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

export interface OptionalValidity {
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
}

/** Decodes a CertTemplate. @throws DerError also for an extension that occurs twice */
export function decodeCertTemplate(der: Uint8Array): CertTemplate {
  return DerReader.decode(der, readCertTemplate);
}

/** Reads a CertTemplate as the next value. */
export function readCertTemplate(reader: DerReader): CertTemplate {
  return reader.sequence((t) => ({
    version: t.optional(Tag.contextPrimitive(0), (v) => readNumber(v, Tag.contextPrimitive(0))),
    serialNumber: t.optional(Tag.contextPrimitive(1), (n) => serialNumberHex(n.integer(Tag.contextPrimitive(1)))),
    signingAlg: readImplicit(t, 2, Tag.sequence),
    issuer: readExplicit(t, 3, readName),
    validity: t.optional(Tag.context(4), readValidity),
    subject: readExplicit(t, 5, readName),
    ...readPublicKey(t),
    issuerUID: readImplicit(t, 7, Tag.bitString),
    subjectUID: readImplicit(t, 8, Tag.bitString),
    extensions: readExtensions(t),
  }));
}

/** Encodes a template. @throws RangeError for a serial number that is no hex, and for a version below -128 */
export function encodeCertTemplate(template: Partial<CertTemplate>): Uint8Array {
  const { version, serialNumber, signingAlg, issuer, validity, subject, extensions = [] } = template;
  const publicKey =
    template.publicKey ?? (template.publicKeyWish && sequence(template.publicKeyWish, tlv(Tag.bitString, noBits)));
  return sequence(
    version === undefined ? undefined : implicit(0, encodeNumber(version)),
    serialNumber === undefined ? undefined : implicit(1, unsignedInteger(serialNumberBytes(serialNumber))),
    signingAlg && implicit(2, signingAlg),
    issuer && explicit(3, issuer),
    validity && encodeValidity(validity),
    subject && explicit(5, subject),
    publicKey && implicit(6, publicKey),
    template.issuerUID && implicit(7, template.issuerUID),
    template.subjectUID && implicit(8, template.subjectUID),
    extensions.length > 0 ? implicit(9, encodeExtensions(extensions)) : undefined,
  );
}

const noBits = Uint8Array.of(0);

function readName(reader: DerReader): Uint8Array {
  return reader.element(Tag.sequence);
}

/** One of them should be there; none says as much as no validity. */
function readValidity(reader: DerReader): OptionalValidity {
  return reader.inside(Tag.context(4), (v) => ({
    notBefore: readExplicit(v, 0, (t) => t.time()),
    notAfter: readExplicit(v, 1, (t) => t.time()),
  }));
}

function encodeValidity({ notBefore, notAfter }: OptionalValidity): Uint8Array {
  return tlv(Tag.context(4), notBefore && explicit(0, time(notBefore)), notAfter && explicit(1, time(notAfter)));
}

function readPublicKey(reader: DerReader): Pick<CertTemplate, 'publicKey' | 'publicKeyWish'> {
  const info = readImplicit(reader, 6, Tag.sequence);
  if (info === undefined) return {};
  const { der, algorithm, key } = DerReader.decode(info, readPublicKeyInfo);
  return key.length === 0 ? { publicKeyWish: algorithm } : { publicKey: der };
}

function readExtensions(reader: DerReader): Extension[] {
  const extensions = readImplicit(reader, 9, Tag.sequence);
  return extensions === undefined ? [] : decodeExtensions(extensions);
}
