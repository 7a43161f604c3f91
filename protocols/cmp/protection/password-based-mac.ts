/** PasswordBasedMac (RFC 9810 5.1.3.1, RFC 4211 4.4, RFC 9045): a key made by hashing the password again and again. */

import { hash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { MessageDigest } from '../../../src/model/message-protection.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { messageDigests } from '../../../src/x509/message-signatures.js';
import { decodeAlgorithm, UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { readNumber } from '../asn1/building-blocks.js';
import { idPasswordBasedMac } from '../asn1/oids.js';
import { checkDerivation, freshSaltLength, type KeyDerivation } from './key-derivation.js';
import type { MacFunction } from './mac-function.js';
import { requireMacFunction } from './mac-functions.js';

/** Reads PBMParameter. @throws DerError, UnsupportedAlgorithmError */
export function decodePasswordBasedMac(identifier: Uint8Array, parameters: Uint8Array | undefined): KeyDerivation {
  const decoded = DerReader.decode(parameters ?? new Uint8Array(), (r) =>
    r.sequence((p) => ({
      salt: p.octetString(),
      oneWayIdentifier: p.element(Tag.sequence),
      iterations: readNumber(p),
      mac: p.element(Tag.sequence),
    })),
  );
  checkDerivation(decoded.salt, decoded.iterations, iterationRange);
  const mac = requireMacFunction(decoded.mac);
  return createDerivation(identifier, { ...decoded, oneWay: decodeDigest(decoded.oneWayIdentifier), mac });
}

interface Parameters {
  readonly salt: Uint8Array;
  readonly oneWay: MessageDigest;
  /** DER. */
  readonly oneWayIdentifier: Uint8Array;
  readonly iterations: number;
  readonly mac: MacFunction;
}

// RFC 9045 4.3 demands the least, and recommends ten thousand.
const iterationRange = { minimum: 100, maximum: 100_000 };

function createDerivation(identifier: Uint8Array, parameters: Parameters): KeyDerivation {
  const { salt, oneWay, oneWayIdentifier, iterations, mac } = parameters;
  return {
    name: 'pbm',
    milliseconds: iterations / 500,
    identifier,
    oneWay,
    mac,
    async deriveKey(secret) {
      const baseKey = await hashRepeatedly(oneWay, Buffer.concat([secret, salt]), iterations);
      return mac.isKeyLengthFixed ? expandKey(oneWay, baseKey, mac.keyLength) : baseKey;
    },
    renewed() {
      const fresh = { ...parameters, salt: randomBytes(freshSaltLength), mac: mac.renewed() };
      const content = [octetString(fresh.salt), oneWayIdentifier, smallInteger(iterations), fresh.mac.identifier];
      return createDerivation(sequence(oid(idPasswordBasedMac), sequence(...content)), fresh);
    },
  };
}

async function hashRepeatedly(digest: MessageDigest, input: Buffer, times: number): Promise<Buffer> {
  let key = hash(digest, input, 'buffer');
  input.fill(0);
  for (let done = 1; done < times; done++) {
    // Two milliseconds at most, so that others get their turn.
    if (done % iterationsPerTurn === 0) await setImmediate();
    key = hash(digest, key, 'buffer');
  }
  return key;
}

const iterationsPerTurn = 1000;

/** RFC 9810 5.1.3.1: the first octets of BASEKEY, OWF("1" || BASEKEY), OWF("2" || BASEKEY) … */
function expandKey(digest: MessageDigest, baseKey: Buffer, length: number): Uint8Array {
  let key = baseKey;
  for (let number = 1; key.length < length; number++) {
    key = Buffer.concat([key, hash(digest, Buffer.concat([Buffer.from(`${number}`), baseKey]), 'buffer')]);
  }
  return key.subarray(0, length);
}

function decodeDigest(identifier: Uint8Array): MessageDigest {
  const { id, parameters } = decodeAlgorithm(identifier);
  if (parameters !== undefined) DerReader.decode(parameters, (r) => r.null());
  const digest = messageDigests.get(id);
  if (digest === undefined) throw new UnsupportedAlgorithmError(`one-way function ${id}`);
  return digest;
}
