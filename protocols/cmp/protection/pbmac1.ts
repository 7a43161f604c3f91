/** PBMAC1 (RFC 8018 7.1 and A.5, RFC 9481 6.1.2): a key made with PBKDF2, which has an HMAC of its own. */

import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { idPbkdf2 } from '../../../src/cms/oids.js';
import type { MessageDigest } from '../../../src/model/message-protection.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { readNumber } from '../asn1/building-blocks.js';
import { checkDerivation, freshSaltLength, type KeyDerivation } from './key-derivation.js';
import type { MacFunction } from './mac-function.js';
import { requireHmacDigest, requireMacFunction } from './mac-functions.js';
import { idPbmac1 } from './oids.js';

/** Reads PBMAC1-params. @throws DerError, UnsupportedAlgorithmError */
export function decodePbmac1(identifier: Uint8Array, parameters: Uint8Array | undefined): KeyDerivation {
  const decoded = DerReader.decode(parameters ?? new Uint8Array(), (r) =>
    r.sequence((p) => ({ ...p.sequence(readPbkdf2), macIdentifier: p.element(Tag.sequence) })),
  );
  checkDerivation(decoded.salt, decoded.iterations, 1);
  const mac = requireMacFunction(decoded.macIdentifier);
  const { keyLength = mac.keyLength, pseudoRandomFunction } = decoded;
  checkKeyLength(keyLength, mac);
  const hash = pseudoRandomFunction === undefined ? 'sha1' : requireHmacDigest(pseudoRandomFunction);
  return createDerivation(identifier, { ...decoded, hash, derivedLength: keyLength, mac });
}

interface Pbkdf2 {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Octets. */
  readonly keyLength: number | undefined;
  /** DER; HMAC with SHA-1 if absent. */
  readonly pseudoRandomFunction: Uint8Array | undefined;
}

interface Parameters extends Pbkdf2 {
  readonly hash: MessageDigest;
  readonly derivedLength: number;
  readonly mac: MacFunction;
}

/** PBKDF2-params (RFC 8018 A.2) behind their object identifier. */
function readPbkdf2(reader: DerReader): Pbkdf2 {
  const id = reader.oid();
  if (id !== idPbkdf2) throw new UnsupportedAlgorithmError(`key derivation ${id}`);
  return reader.sequence((p) => ({
    salt: p.octetString(),
    iterations: readNumber(p),
    keyLength: p.optional(Tag.integer, readNumber),
    pseudoRandomFunction: p.optional(Tag.sequence, (f) => f.element()),
  }));
}

/** Nothing protects the length (RFC 8018 A.2): of a short key whoever sends a message could try all values. */
function checkKeyLength(length: number, mac: MacFunction): void {
  const isFitting = mac.isKeyLengthFixed ? length === mac.keyLength : length >= shortestKey && length <= longestKey;
  if (!isFitting) throw new UnsupportedAlgorithmError(`a derived key of ${length} octets for ${mac.name}`);
}

/** Octets. Longer keys cost more, and none of the functions gains by them. */
const longestKey = 64;
const shortestKey = 16;

function createDerivation(identifier: Uint8Array, parameters: Parameters): KeyDerivation {
  const { salt, iterations, keyLength, pseudoRandomFunction, hash, derivedLength, mac } = parameters;
  return {
    name: 'pbmac1',
    identifier,
    mac,
    // On the thread pool.
    deriveKey: (secret) => derive(secret, salt, iterations, derivedLength, hash),
    renewed() {
      const fresh = { ...parameters, salt: randomBytes(freshSaltLength), mac: mac.renewed() };
      const derivation = sequence(
        octetString(fresh.salt),
        smallInteger(iterations),
        keyLength === undefined ? undefined : smallInteger(keyLength),
        pseudoRandomFunction,
      );
      const content = sequence(sequence(oid(idPbkdf2), derivation), fresh.mac.identifier);
      return createDerivation(sequence(oid(idPbmac1), content), fresh);
    },
  };
}

const derive = promisify(pbkdf2);
