/** Certificate (RFC 5280 4.1): the outline that every use needs; names and most extensions stay DER until asked for. */

import { hash } from 'node:crypto';
import { DerError, DerReader, Tag } from './der.js';
import { type Extension, findExtension, readExtensions } from './extensions.js';
import { serialNumberHex } from './serial-number.js';

/** What a TBSCertificate says. */
export interface CertificateContent {
  readonly version: 1 | 2 | 3;
  /** Lower-case hex. */
  readonly serialNumber: string;
  /** DER AlgorithmIdentifier, the same inside and outside of the TBSCertificate. */
  readonly signatureAlgorithm: Uint8Array;
  /** DER Name. */
  readonly issuer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly Extension[];
}

export interface Certificate extends CertificateContent {
  readonly der: Uint8Array;
  /** DER TBSCertificate: what is signed. */
  readonly tbs: Uint8Array;
  /** The signature's octets. */
  readonly signature: Uint8Array;
}

/**
 * Decodes a certificate; what it returns are views of `der`. The signature is not verified.
 * @throws DerError also for an algorithm that differs inside and outside (4.1.1.2) and for extensions before version 3
 */
export function decodeCertificate(der: Uint8Array): Certificate {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const tbs = c.element(Tag.sequence);
      const signatureAlgorithm = c.element(Tag.sequence);
      const signature = c.bitString();
      const inner = decodeTbsCertificate(tbs);
      if (Buffer.compare(inner.signatureAlgorithm, signatureAlgorithm) !== 0) {
        throw new DerError('signature algorithms of certificate differ', 0);
      }
      return { der, tbs, ...inner, signature };
    }),
  );
}

/** Decodes a TBSCertificate. @throws DerError */
export function decodeTbsCertificate(der: Uint8Array): CertificateContent {
  return DerReader.decode(der, readTbs);
}

/** The DER value of an extension, undefined when the certificate has none of that id. */
export function extension(certificate: Certificate, id: string): Uint8Array | undefined {
  return findExtension(certificate.extensions, id)?.value;
}

/** SHA-256 over the DER, lower-case hex. */
export function fingerprint(der: Uint8Array): string {
  return hash('sha256', der, 'hex');
}

/** A hash over the DER as people compare it: upper-case hex, in pairs with colons between, as `openssl x509 -fingerprint` has it. */
export function printedFingerprint(der: Uint8Array, algorithm: 'sha256' | 'sha1'): string {
  const pairs = hash(algorithm, der, 'hex').toUpperCase().match(/../g) ?? [];
  return pairs.join(':');
}

function readTbs(reader: DerReader): CertificateContent {
  return reader.sequence((t) => {
    const version = readVersion(t);
    const serialNumber = serialNumberHex(t.integer());
    const signatureAlgorithm = t.element(Tag.sequence);
    const issuer = t.element(Tag.sequence);
    const { notBefore, notAfter } = t.sequence((v) => ({ notBefore: v.time(), notAfter: v.time() }));
    const subject = t.element(Tag.sequence);
    const subjectPublicKeyInfo = t.element(Tag.sequence);
    if (version >= 2) {
      t.optional(Tag.contextPrimitive(1), (o) => o.element());
      t.optional(Tag.contextPrimitive(2), (o) => o.element());
    }
    const extensions = version === 3 && t.tag === Tag.context(3) ? t.inside(Tag.context(3), readExtensions) : [];
    const validity = { notBefore, notAfter };
    return {
      version,
      serialNumber,
      signatureAlgorithm,
      issuer,
      ...validity,
      subject,
      subjectPublicKeyInfo,
      extensions,
    };
  });
}

function readVersion(reader: DerReader): 1 | 2 | 3 {
  if (reader.tag !== Tag.context(0)) return 1;
  const number = reader.inside(Tag.context(0), (v) => v.smallInteger());
  if (number === 0) return 1;
  if (number === 1) return 2;
  if (number === 2) return 3;
  throw new DerError('unknown version of certificate', reader.offset);
}
