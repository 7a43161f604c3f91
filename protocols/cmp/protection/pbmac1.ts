/** PBMAC1 (RFC 8018 7.1 and A.5, RFC 9481 6.1.2): a key made with PBKDF2, which has an HMAC of its own. */

import { randomBytes } from 'node:crypto';
import { idPbkdf2 } from '../../../src/cms/oids.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { UnsupportedAlgorithmError } from '../../../src/x509/signature-algorithms.js';
import { freshSaltLength, type KeyDerivation } from './key-derivation.js';
import type { MacFunction } from './mac-function.js';
import { requireMacFunction } from './mac-functions.js';
import { idPbmac1 } from './oids.js';
import { deriveByPbkdf2, type Pbkdf2, readPbkdf2 } from './pbkdf2.js';

/** Reads PBMAC1-params. @throws DerError, UnsupportedAlgorithmError */
export function decodePbmac1(identifier: Uint8Array, parameters: Uint8Array | undefined): KeyDerivation {
  const decoded = DerReader.decode(parameters ?? new Uint8Array(), (r) =>
    r.sequence((p) => ({ ...p.sequence(readPbkdf2), macIdentifier: p.element(Tag.sequence) })),
  );
  const mac = requireMacFunction(decoded.macIdentifier);
  const { keyLength = mac.keyLength } = decoded;
  checkKeyLength(keyLength, mac);
  return createDerivation(identifier, { ...decoded, derivedLength: keyLength, mac });
}

interface Parameters extends Pbkdf2 {
  readonly derivedLength: number;
  readonly mac: MacFunction;
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
  const { iterations, keyLength, pseudoRandomFunction, derivedLength, mac } = parameters;
  return {
    name: 'pbmac1',
    milliseconds: iterations / 1000,
    identifier,
    mac,
    deriveKey: (secret) => deriveByPbkdf2(secret, parameters, derivedLength),
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
