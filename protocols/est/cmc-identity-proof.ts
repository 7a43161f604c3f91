/** RFC 5272 sections 6.2.1 and 6.2.2: the Identity Proof controls, a MAC over the requests under a shared secret. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { DerReader } from '../../src/x509/der.js';
import { idSha1, idSha256, idSha384, idSha512 } from '../../src/x509/oids.js';

/** Proof that the client knows a shared secret. */
export interface CmcIdentityProof {
  /** What the Identification control says about which secret it is. */
  readonly identification: string | undefined;
  /** Whether the proof was made with this secret (UTF-8), in constant time. */
  verify(secret: string): boolean;
}

interface Witness {
  readonly hash: string;
  readonly macHash: string;
  readonly witness: Uint8Array;
}

/** The older control: SHA-1 and HMAC-SHA1 (section 6.2.2). @throws DerError */
export function decodeIdentityProof(value: Uint8Array): Witness {
  return { hash: 'sha1', macHash: 'sha1', witness: DerReader.decode(value, (reader) => reader.octetString()) };
}

/** The control that names its algorithms; undefined when they are not supported. @throws DerError */
export function decodeIdentityProofV2(value: Uint8Array): Witness | undefined {
  return DerReader.decode(value, (reader) =>
    reader.sequence((proof) => {
      const hash = hashes.get(readAlgorithmId(proof));
      const macHash = macHashes.get(readAlgorithmId(proof));
      const witness = proof.octetString();
      return hash === undefined || macHash === undefined ? undefined : { hash, macHash, witness };
    }),
  );
}

/** Joins a witness with what it was computed over: the DER of the reqSequence. */
export function createIdentityProof(
  { hash, macHash, witness }: Witness,
  requestSequence: Uint8Array,
  identification: string | undefined,
): CmcIdentityProof {
  return {
    identification,
    verify(secret) {
      // Section 6.2.3: the identification, when there is one, is hashed behind the secret.
      const key = createHash(hash)
        .update(secret, 'utf8')
        .update(identification ?? '', 'utf8')
        .digest();
      const mac = createHmac(macHash, key).update(requestSequence).digest();
      return mac.length === witness.length && timingSafeEqual(mac, witness);
    },
  };
}

const hashes: ReadonlyMap<string, string> = new Map([
  [idSha1, 'sha1'],
  [idSha256, 'sha256'],
  [idSha384, 'sha384'],
  [idSha512, 'sha512'],
]);

// hMAC-SHA1 of RFC 3370 section 3.1, and those of RFC 4231 section 3.1 and RFC 8018 appendix B.1.1.
const macHashes: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.8.1.2', 'sha1'],
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.9', 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

function readAlgorithmId(reader: DerReader): string {
  return reader.sequence((algorithm) => {
    const id = algorithm.oid();
    if (algorithm.more) algorithm.element();
    return id;
  });
}
