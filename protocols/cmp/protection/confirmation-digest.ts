/** Which digest certHash is of (RFC 9810 5.3.18, RFC 9481 3.3). */

import type { Certificate } from '../../../src/x509/certificate.js';
import { DerReader } from '../../../src/x509/der.js';
import { idSha1, idSha256, idSha384, idSha512 } from '../../../src/x509/oids.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';

export interface ConfirmationDigest {
  /** As node:crypto names it. */
  readonly name: string;
  /** Octets, where the algorithm leaves it open. */
  readonly outputLength?: number;
}

/** The digest of a certificate's own signature, or the one that RFC 9481 3.3 gives to EdDSA. */
export function certificateDigest({ signatureAlgorithm }: Certificate): ConfirmationDigest {
  const { hash, name } = decodeSignatureAlgorithm(signatureAlgorithm);
  if (hash !== undefined) return { name: hash };
  return name === 'ed448' ? { name: 'shake256', outputLength: 64 } : { name: 'sha512' };
}

/** The digest that hashAlg names. @throws DerError, UnsupportedAlgorithmError */
export function confirmationDigest(hashAlg: Uint8Array): ConfirmationDigest {
  const id = DerReader.decode(hashAlg, (r) =>
    r.sequence((a) => {
      const found = a.oid();
      if (a.more) a.null();
      return found;
    }),
  );
  const digest = digests.get(id);
  if (digest === undefined) throw new UnsupportedAlgorithmError(`hash ${id}`);
  return digest;
}

const nistHashes = '2.16.840.1.101.3.4.2';
const digests: ReadonlyMap<string, ConfirmationDigest> = new Map<string, ConfirmationDigest>([
  [idSha1, { name: 'sha1' }],
  [idSha256, { name: 'sha256' }],
  [idSha384, { name: 'sha384' }],
  [idSha512, { name: 'sha512' }],
  [`${nistHashes}.4`, { name: 'sha224' }],
  [`${nistHashes}.7`, { name: 'sha3-224' }],
  [`${nistHashes}.8`, { name: 'sha3-256' }],
  [`${nistHashes}.9`, { name: 'sha3-384' }],
  [`${nistHashes}.10`, { name: 'sha3-512' }],
  // RFC 8702 3.1: 32 and 64 octets.
  [`${nistHashes}.11`, { name: 'shake128', outputLength: 32 }],
  [`${nistHashes}.12`, { name: 'shake256', outputLength: 64 }],
]);
