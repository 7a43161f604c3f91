/** Signatures as tokens make them, and as certificates have them. */
import { createHash } from 'node:crypto';
import { nullValue, octetString, oid, sequence, unsignedInteger } from '../../x509/der-writer.js';
import { idSha1, idSha256, idSha384, idSha512 } from '../../x509/oids.js';
import type { HashAlgorithm, SignatureAlgorithm } from '../../x509/signature-algorithms.js';
import type { TokenSignature } from './messages.js';

/**
 * What a token is to sign. Tokens are given the hash, which all of them take, but for Ed25519, which needs all of the data.
 */
export function tokenSignature(algorithm: SignatureAlgorithm, data: Uint8Array): TokenSignature {
  const { hash, key, pss } = algorithm;
  if (hash === undefined) return { scheme: 'eddsa', input: data };
  const digest = createHash(hash).update(data).digest();
  if (key === 'ec') return { scheme: 'ecdsa', input: digest };
  if (pss !== undefined) return { scheme: 'rsa-pss', hash, input: digest };
  return { scheme: 'rsa-pkcs1', input: digestInfo(hash, digest) };
}

/** The signature as it stands in certificates: ECDSA as DER (RFC 3279 2.2.3), of r and s one after the other. */
export function finishSignature(algorithm: SignatureAlgorithm, octets: Uint8Array): Uint8Array {
  if (algorithm.key !== 'ec') return octets;
  const half = octets.length / 2;
  return sequence(unsignedInteger(octets.subarray(0, half)), unsignedInteger(octets.subarray(half)));
}

/** RFC 8017 9.2: with NULL as parameters of the hash. */
function digestInfo(hash: HashAlgorithm, digest: Uint8Array): Uint8Array {
  return sequence(sequence(oid(hashIds[hash]), nullValue), octetString(digest));
}

const hashIds: Readonly<Record<HashAlgorithm, string>> = {
  sha1: idSha1,
  sha256: idSha256,
  sha384: idSha384,
  sha512: idSha512,
};
