/** RFC 5652 section 5.6: verifies the signature of one signer. Whether to trust the signer is for others to say. */

import { createHash, type KeyObject } from 'node:crypto';
import { type Certificate, decodeCertificate } from '../x509/certificate.js';
import { DerReader } from '../x509/der.js';
import { rsaEncryption } from '../x509/oids.js';
import {
  decodeSignatureAlgorithm,
  type HashAlgorithm,
  type SignatureAlgorithm,
  signatureAlgorithmFor,
  UnsupportedAlgorithmError,
  verifySignature,
} from '../x509/signature-algorithms.js';
import { singleValue } from './attributes.js';
import { isIdentified } from './certificate-identifier.js';
import { CmsError } from './cms-error.js';
import { idContentType, idMessageDigest } from './oids.js';
import type { SignedData, SignerInfo } from './signed-data.js';

/** The signer's certificate among those that came with the message; undefined when it is not there. @throws DerError */
export function findSignerCertificate(signedData: SignedData, signer: SignerInfo): Certificate | undefined {
  for (const der of signedData.certificates) {
    const certificate = decodeCertificate(der);
    if (isIdentified(certificate, signer.identifier)) return certificate;
  }
  return undefined;
}

/**
 * Verifies that the holder of `key` signed this content with signed attributes that name its type and digest.
 * The digests taken by default are SHA-256, SHA-384 and SHA-512.
 * A message without signed attributes is refused: its signature could have been made over another message's attributes.
 * @throws CmsError (unsupported) for an algorithm not known or not among `digests`, DerError
 */
export function verifySigner(
  signedData: SignedData,
  signer: SignerInfo,
  key: KeyObject,
  digests: readonly HashAlgorithm[] = secureDigests,
): boolean {
  const { digest } = signer;
  if (digest === undefined) throw new CmsError('unsupported', 'the digest algorithm is not supported');
  const algorithm = signatureAlgorithm(signer, digest);
  if (!digests.includes(digest)) throw new CmsError('unsupported', 'the digest algorithm is not accepted');
  // A stronger hash beside a weaker one would let the weaker decide (RFC 5754 section 3: they are the same).
  if (algorithm.hash !== undefined && algorithm.hash !== digest) return false;
  if (signer.signed === undefined || signedData.content === undefined) return false;
  if (!areAttributesOf(signedData.contentType, createHash(digest).update(signedData.content).digest(), signer))
    return false;
  return verifySignature(algorithm, key, signer.signed, signer.signature);
}

const secureDigests: readonly HashAlgorithm[] = ['sha256', 'sha384', 'sha512'];

function areAttributesOf(contentType: string, digest: Buffer, signer: SignerInfo): boolean {
  const signedType = singleValue(signer.signedAttributes, idContentType);
  const signedDigest = singleValue(signer.signedAttributes, idMessageDigest);
  if (signedType === undefined || signedDigest === undefined) return false;
  if (DerReader.decode(signedType, (reader) => reader.oid()) !== contentType) return false;
  return digest.equals(DerReader.decode(signedDigest, (reader) => reader.octetString()));
}

function signatureAlgorithm(signer: SignerInfo, digest: HashAlgorithm): SignatureAlgorithm {
  const id = DerReader.decode(signer.signatureAlgorithm, (reader) =>
    reader.sequence((algorithm) => {
      const value = algorithm.oid();
      if (algorithm.more) algorithm.element();
      return value;
    }),
  );
  // RFC 3370 section 3.2: rsaEncryption names PKCS #1 v1.5 with the digest that stands beside it.
  if (id === rsaEncryption) return signatureAlgorithmFor('rsa', digest);
  try {
    return decodeSignatureAlgorithm(signer.signatureAlgorithm);
  } catch (error) {
    if (!(error instanceof UnsupportedAlgorithmError)) throw error;
    throw new CmsError('unsupported', 'the signature algorithm is not supported');
  }
}
