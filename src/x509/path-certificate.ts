/** A certificate with what building and validating paths asks of it again and again, worked out once. */

import type { KeyObject } from 'node:crypto';
import type { Certificate } from './certificate.js';
import { decodeCertificate, extension } from './certificate.js';
import { decodeAuthorityKeyIdentifier, decodeSubjectKeyIdentifier } from './extensions.js';
import { formatName, nameKey } from './names.js';
import { idCeAuthorityKeyIdentifier, idCeSubjectKeyIdentifier } from './oids.js';
import { describePublicKey, importDescribedKey } from './public-key.js';

export interface PathCertificate {
  readonly certificate: Certificate;
  /** Subject and issuer as comparable text (RFC 5280 7.1). */
  readonly subjectKey: string;
  readonly issuerKey: string;
  /** Subject and issuer are the same name (RFC 5280 6.1): whether the key is the same as well says nothing here. */
  readonly isSelfIssued: boolean;
  /** The key identifiers of RFC 5280 4.2.1.1 and 4.2.1.2 as hex, where there are any: hints, no more. */
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
  /** The key as an issuer's, imported at first use; undefined when it cannot be used or is too short to be relied on. */
  readonly issuerKeyObject: () => IssuerKey | undefined;
}

interface IssuerKey {
  readonly key: KeyObject;
  readonly isWeak: boolean;
}

/** DER, or decoded before. */
export type CertificateSource = Uint8Array | Certificate;

/** @throws DerError when the certificate, one of its names or a key identifier cannot be read */
export function decodePathCertificate(source: CertificateSource): PathCertificate {
  return workOut(source instanceof Uint8Array ? decodeCertificate(source) : source);
}

/** The same, kept with a certificate that was decoded before: for those of CAs that last. @throws DerError */
export function keepPathCertificate(source: CertificateSource): PathCertificate {
  if (source instanceof Uint8Array) return decodePathCertificate(source);
  const known = kept.get(source) ?? workOut(source);
  kept.set(source, known);
  return known;
}

/** The DER of either form. */
export function derOf(source: CertificateSource): Uint8Array {
  return source instanceof Uint8Array ? source : source.der;
}

/** The subject for messages, shortened: it may come from a stranger. */
export function describeSubject({ certificate }: PathCertificate): string {
  return shortName(certificate.subject);
}

export function describeIssuer({ certificate }: PathCertificate): string {
  return shortName(certificate.issuer);
}

const kept = new WeakMap<Certificate, PathCertificate>();

function workOut(certificate: Certificate): PathCertificate {
  const subjectKey = nameKey(certificate.subject);
  const issuerKey =
    Buffer.compare(certificate.subject, certificate.issuer) === 0 ? subjectKey : nameKey(certificate.issuer);
  const subjectKeyId = extension(certificate, idCeSubjectKeyIdentifier);
  const authorityKeyId = extension(certificate, idCeAuthorityKeyIdentifier);
  let imported: { readonly value: IssuerKey | undefined } | undefined;
  return {
    certificate,
    subjectKey,
    issuerKey,
    isSelfIssued: subjectKey === issuerKey,
    subjectKeyId: subjectKeyId && hex(decodeSubjectKeyIdentifier(subjectKeyId)),
    authorityKeyId: authorityKeyId && hex(decodeAuthorityKeyIdentifier(authorityKeyId).keyIdentifier),
    issuerKeyObject: () => {
      imported ??= { value: importIssuerKey(certificate.subjectPublicKeyInfo) };
      return imported.value;
    },
  };
}

function shortName(name: Uint8Array): string {
  const text = formatName(name);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text || '(empty name)';
}

function importIssuerKey(spki: Uint8Array): IssuerKey | undefined {
  try {
    const description = describePublicKey(spki);
    const isRsa = description.algorithm === 'rsa';
    if (isRsa && (description.bits > maximumRsaBits || description.exponent.length > maximumExponentOctets))
      return undefined;
    return { key: importDescribedKey(spki, description), isWeak: isRsa && description.bits < minimumRsaBits };
  } catch {
    // An unknown algorithm, a point off the curve, nonsense: whoever carries it cannot have signed anything.
    return undefined;
  }
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

// A stranger's key costs its owner nothing and us a verification: one of 16384 bits, or with a long exponent, takes milliseconds.
const maximumRsaBits = 8192;
const maximumExponentOctets = 4;
// NIST SP 800-131A: no RSA key under 2048 bits for signatures since 2014.
const minimumRsaBits = 2048;
