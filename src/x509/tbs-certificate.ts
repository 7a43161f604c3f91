/** Encodes TBSCertificate and Certificate (RFC 5280 4.1) from parts that are DER already. */

import { randomBytes } from 'node:crypto';
import { bitString, explicit, sequence, smallInteger, time, unsignedInteger } from './der-writer.js';

export interface TbsCertificate {
  /** Big-endian magnitude. */
  readonly serialNumber: Uint8Array;
  /** DER AlgorithmIdentifier of the issuer's signature. */
  readonly signatureAlgorithm: Uint8Array;
  /** DER Name. */
  readonly issuer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** Each a DER Extension, in the order of the certificate. */
  readonly extensions: readonly Uint8Array[];
}

/** Encodes a TBSCertificate of version 3 (of version 1 when it has no extensions). */
export function encodeTbsCertificate(tbs: TbsCertificate): Uint8Array {
  const hasExtensions = tbs.extensions.length > 0;
  return sequence(
    hasExtensions ? version3 : undefined,
    unsignedInteger(tbs.serialNumber),
    tbs.signatureAlgorithm,
    tbs.issuer,
    sequence(time(tbs.notBefore), time(tbs.notAfter)),
    tbs.subject,
    tbs.subjectPublicKeyInfo,
    hasExtensions ? explicit(3, sequence(...tbs.extensions)) : undefined,
  );
}

/** Puts a Certificate together; the algorithm must be the one inside the TBSCertificate. */
export function encodeCertificate(tbs: Uint8Array, signatureAlgorithm: Uint8Array, signature: Uint8Array): Uint8Array {
  return sequence(tbs, signatureAlgorithm, bitString(signature));
}

/** A new serial number: 159 random bits in 20 octets, so that the INTEGER stays within 20 octets; never 0. */
export function randomSerialNumber(): Uint8Array {
  const bytes = Uint8Array.from(randomBytes(20));
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.some((octet) => octet > 0) ? bytes : randomSerialNumber();
}

const version3 = explicit(0, smallInteger(2));
