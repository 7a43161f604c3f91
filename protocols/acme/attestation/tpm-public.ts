/** pubArea: TPMT_PUBLIC (TPM 2.0 Library, part 2, 12.2.4) of keys that sign. */
import { bitString, nullValue, oid, sequence, smallInteger, unsignedInteger } from '../../../src/x509/der-writer.js';
import { idEcPublicKey, rsaEncryption, secp256r1, secp384r1, secp521r1 } from '../../../src/x509/oids.js';
import { importPublicKey, UnsupportedKeyError } from '../../../src/x509/public-key.js';
import type { AttestationHash } from './cose-algorithms.js';
import { refused } from './refused.js';
import {
  tpmAlgEcc,
  tpmAlgEcdsa,
  tpmAlgNull,
  tpmAlgRsa,
  tpmAlgRsapss,
  tpmAlgRsassa,
  tpmHashes,
} from './tpm-algorithms.js';
import { readTpmStructure, type TpmReader } from './tpm-reader.js';

export interface PublicArea {
  /** What the key's name begins with, two octets, and the hash that makes the rest of it. */
  readonly nameAlgorithm: Uint8Array;
  readonly nameHash: AttestationHash;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/**
 * Reads the public area of a key that signs, was made in the TPM, and never leaves it.
 * @throws AcmeError `badAttestationStatement` for any other
 */
export function readPublicArea(pubArea: Uint8Array): PublicArea {
  const area = readTpmStructure('pubArea', pubArea, (r) => {
    const type = r.number(2);
    const nameHash = tpmHashes.get(r.number(2));
    if (nameHash === undefined)
      throw refused('the name of the attested key is made with another hash than SHA-256, SHA-384 and SHA-512');
    requireAttributes(r.number(4));
    r.sized();
    const publicKey = readKey(type, r);
    return { nameAlgorithm: pubArea.subarray(2, 4), nameHash, publicKey };
  });
  try {
    importPublicKey(area.publicKey);
  } catch (cause) {
    if (!(cause instanceof UnsupportedKeyError)) throw cause;
    throw refused(`pubArea has a key that is not taken: ${cause.message}`, cause);
  }
  return area;
}

/** TPMA_OBJECT (part 2, 8.3). */
const fixedTpm = 1 << 1;
const fixedParent = 1 << 4;
const sensitiveDataOrigin = 1 << 5;
const restricted = 1 << 16;
const sign = 1 << 18;

const curves: ReadonlyMap<number, { readonly id: string; readonly octets: number }> = new Map([
  [0x0003, { id: secp256r1, octets: 32 }],
  [0x0004, { id: secp384r1, octets: 48 }],
  [0x0005, { id: secp521r1, octets: 66 }],
]);

// What an exponent of 0 stands for (part 2, 12.2.3.5).
const defaultExponent = 65_537;

function requireAttributes(attributes: number): void {
  if ((attributes & fixedTpm) === 0 || (attributes & fixedParent) === 0) {
    throw refused('the attested key may leave its TPM; make one with fixedTPM and fixedParent');
  }
  if ((attributes & sensitiveDataOrigin) === 0) {
    throw refused('the attested key was not made by its TPM; make one with sensitiveDataOrigin');
  }
  if ((attributes & restricted) !== 0) {
    throw refused("the attested key is restricted to the TPM's own data; make one without that attribute");
  }
  if ((attributes & sign) === 0) throw refused('the attested key does not sign; make one with the attribute sign');
}

function readKey(type: number, reader: TpmReader): Uint8Array {
  // Only keys that wrap others have a symmetric algorithm.
  if (reader.number(2) !== tpmAlgNull) throw refused('pubArea has a symmetric algorithm, as no key has that signs');
  if (type === tpmAlgRsa) return readRsaKey(reader);
  if (type === tpmAlgEcc) return readEccKey(reader);
  throw refused('the attested key is neither RSA nor ECC');
}

function readRsaKey(reader: TpmReader): Uint8Array {
  readScheme(reader, [tpmAlgRsassa, tpmAlgRsapss]);
  const bits = reader.number(2);
  const exponent = reader.number(4) || defaultExponent;
  const modulus = reader.sized();
  if (modulus.length * 8 !== bits) throw refused('pubArea has an RSA modulus of another length than its keyBits');
  const key = sequence(unsignedInteger(modulus), smallInteger(exponent));
  return sequence(sequence(oid(rsaEncryption), nullValue), bitString(key));
}

function readEccKey(reader: TpmReader): Uint8Array {
  readScheme(reader, [tpmAlgEcdsa]);
  const curve = curves.get(reader.number(2));
  if (curve === undefined) throw refused('the attested key is of another curve than P-256, P-384 and P-521');
  if (reader.number(2) !== tpmAlgNull) throw refused('pubArea has a key derivation, as no key has that signs');
  const point = [reader.sized(), reader.sized()].map((coordinate) => padded(coordinate, curve.octets));
  return sequence(sequence(oid(idEcPublicKey), oid(curve.id)), bitString(uncompressed, ...point));
}

/** With TPM_ALG_NULL the key takes the scheme, and its hash, from each command. */
function readScheme(reader: TpmReader, schemes: readonly number[]): void {
  const scheme = reader.number(2);
  if (scheme === tpmAlgNull) return;
  if (!schemes.includes(scheme)) throw refused('the attested key signs with a scheme that is not taken');
  reader.skip(2);
}

const uncompressed = Uint8Array.of(4);

/** Some TPMs leave the zeros in front of a coordinate away. */
function padded(coordinate: Uint8Array, octets: number): Uint8Array {
  if (coordinate.length > octets) throw refused('pubArea has a point that its curve has no room for');
  const out = new Uint8Array(octets);
  out.set(coordinate, octets - coordinate.length);
  return out;
}
