/** The keys of an unmanaged CA, to verify what they have signed. */
import type { KeyObject } from 'node:crypto';
import type { CertificateRecord } from '../store/certificate-record.js';
import { decodeCertificate } from '../x509/certificate.js';
import { decodeAuthorityKeyIdentifier, type Extension, findExtension } from '../x509/extensions.js';
import { namesEqual } from '../x509/names.js';
import { idCeAuthorityKeyIdentifier } from '../x509/oids.js';
import { importPublicKey } from '../x509/public-key.js';
import { decodeSignatureAlgorithm, verifySignature } from '../x509/signature-algorithms.js';

interface IssuerKey {
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly fingerprint: string;
  /** DER Name. */
  readonly subject: Uint8Array;
  readonly subjectKeyIdentifier: Uint8Array;
  /** Imported when it is needed: a CA may have had many. @throws UnsupportedKeyError */
  readonly key: () => KeyObject;
}

/** What a certificate and a CRL have in common. */
interface Signed {
  readonly issuer: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
}

/** Of the CA's own certificates, each key once, in their order. */
export function issuerKeys(certificates: readonly CertificateRecord[]): readonly IssuerKey[] {
  const keys = new Map<string, IssuerKey>();
  for (const { keyFingerprint, subjectKeyIdentifier, der } of certificates) {
    if (keys.has(keyFingerprint)) continue;
    const { subject, subjectPublicKeyInfo } = decodeCertificate(der);
    let imported: KeyObject | undefined;
    const key = () => {
      imported ??= importPublicKey(subjectPublicKeyInfo);
      return imported;
    };
    keys.set(keyFingerprint, { fingerprint: keyFingerprint, subject, subjectKeyIdentifier, key });
  }
  return [...keys.values()];
}

/**
 * The key that has signed something; undefined where it is none of these. Verified with one key at most: the one that it names, or
 * else the first, so that many keys make no more work.
 * @throws DerError, UnsupportedAlgorithmError
 */
export function findSigner(signed: Signed, keys: readonly IssuerKey[]): IssuerKey | undefined {
  const named = findExtension(signed.extensions, idCeAuthorityKeyIdentifier)?.value;
  const identifier = named === undefined ? undefined : decodeAuthorityKeyIdentifier(named).keyIdentifier;
  const candidate =
    identifier === undefined ? keys[0] : keys.find((key) => Buffer.compare(key.subjectKeyIdentifier, identifier) === 0);
  if (candidate === undefined || !namesEqual(signed.issuer, candidate.subject)) return undefined;
  const algorithm = decodeSignatureAlgorithm(signed.signatureAlgorithm);
  return verifySignature(algorithm, candidate.key(), signed.tbs, signed.signature) ? candidate : undefined;
}
