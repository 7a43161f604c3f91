/** PBKDF2 (RFC 8018 5.2 and A.2), as PBMAC1 and envelopes for passwords have it. */

import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { idPbkdf2 } from '../../../src/cms/oids.js';
import type { MessageDigest } from '../../../src/model/message-protection.js';
import { type DerReader, Tag } from '../../../src/x509/der.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { readNumber } from '../asn1/building-blocks.js';
import { checkDerivation } from './key-derivation.js';
import { requireHmacDigest } from './mac-functions.js';

export interface Pbkdf2 {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Octets. */
  readonly keyLength: number | undefined;
  /** DER; HMAC with SHA-1 if absent. */
  readonly pseudoRandomFunction: Uint8Array | undefined;
  /** That of the function. */
  readonly hash: MessageDigest;
}

/** Reads the content of an AlgorithmIdentifier. @throws DerError, UnsupportedAlgorithmError also for what costs too much */
export function readPbkdf2(reader: DerReader): Pbkdf2 {
  const id = reader.oid();
  if (id !== idPbkdf2) throw new UnsupportedAlgorithmError(`key derivation ${id}`);
  const decoded = reader.sequence((p) => ({
    salt: p.octetString(),
    iterations: readNumber(p),
    keyLength: p.optional(Tag.integer, readNumber),
    pseudoRandomFunction: p.optional(Tag.sequence, (f) => f.element()),
  }));
  checkDerivation(decoded.salt, decoded.iterations, iterationRange);
  const { pseudoRandomFunction } = decoded;
  return { ...decoded, hash: pseudoRandomFunction === undefined ? 'sha1' : requireHmacDigest(pseudoRandomFunction) };
}

/** Derives so many octets; on the thread pool. */
export function deriveByPbkdf2(
  secret: Uint8Array,
  { salt, iterations, hash }: Pick<Pbkdf2, 'salt' | 'iterations' | 'hash'>,
  octets: number,
): Promise<Uint8Array> {
  return derive(secret, salt, iterations, octets, hash);
}

const derive = promisify(pbkdf2);

// Clients follow recommendations for passwords that grow: 600 000 is OWASP's for HMAC-SHA256, a quarter of a second.
const iterationRange = { minimum: 1, maximum: 600_000 };
