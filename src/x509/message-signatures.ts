/**
 * The signatures of messages (RFC 9481 3, RFC 9688): those of signature-algorithms.ts, and others with SHA-224, SHA-3 and
 * SHAKE, which certificates never have here, and requests for them in CMP alone.
 */

import { constants, type KeyObject, sign } from 'node:crypto';
import type { MessageDigest, MessageSignatureName, Shake } from '../model/message-protection.js';
import { nullValue, oid, sequence } from './der-writer.js';
import * as message from './message-oids.js';
import * as oids from './oids.js';
import type { KeyAlgorithm } from './public-key.js';
import { shakeLengths, signShakeEcdsa, signShakePss, verifyShakeEcdsa, verifyShakePss } from './shake-signatures.js';
import {
  decodeAlgorithm,
  decodePssParameters,
  decodeSignatureAlgorithm,
  pssParameters,
  type SignatureScheme,
  signatureAlgorithmFor,
  verifySignature,
} from './signature-algorithms.js';

export type MessageSignatureScheme = SignatureScheme<MessageDigest | Shake>;

export interface MessageSignatureAlgorithm extends MessageSignatureScheme {
  readonly name: MessageSignatureName;
  /** DER AlgorithmIdentifier. */
  readonly identifier: Uint8Array;
}

/** Digests by their object identifiers (RFC 9481 2). */
export const messageDigests: ReadonlyMap<string, MessageDigest> = new Map([
  [oids.idSha1, 'sha1'],
  [message.idSha224, 'sha224'],
  [oids.idSha256, 'sha256'],
  [oids.idSha384, 'sha384'],
  [oids.idSha512, 'sha512'],
  [message.idSha3_224, 'sha3-224'],
  [message.idSha3_256, 'sha3-256'],
  [message.idSha3_384, 'sha3-384'],
  [message.idSha3_512, 'sha3-512'],
]);

/** Finds the algorithm of a DER AlgorithmIdentifier. @throws DerError or UnsupportedAlgorithmError */
export function decodeMessageSignatureAlgorithm(identifier: Uint8Array): MessageSignatureAlgorithm {
  const { id, parameters } = decodeAlgorithm(identifier);
  const known = furtherById.get(id);
  // RFC 9688 3.1 has NULL beside RSA; that it may be missing is RFC 4055 5.
  const isFitting = parameters === undefined || (known?.name.startsWith('rsa-sha') && isNull(parameters));
  if (known !== undefined && isFitting) return { ...known, identifier };
  if (id === oids.idRsassaPss && parameters !== undefined) {
    const { hash, saltLength } = decodePssParameters(parameters, messageDigests);
    return { name: `rsa-pss-${hash}`, key: 'rsa', hash, pss: { saltLength }, identifier };
  }
  return decodeSignatureAlgorithm(identifier);
}

/** SHA-1 is for what others have signed. */
export type MessageSigningHash = Exclude<MessageDigest, 'sha1'> | Shake;

/**
 * The algorithm for signing with such a key and digest; EdDSA takes no notice of the latter, and only RSA of `isPss`, whose
 * salt is as long as the digest (RFC 4055 3.1). Undefined for PKCS #1 v1.5 with SHAKE, which there is not (RFC 8692).
 */
export function messageSignatureFor(
  key: KeyAlgorithm,
  hash: MessageSigningHash,
  isPss: boolean,
): MessageSignatureAlgorithm | undefined {
  if (key === 'ec') return ownByName.get(`ecdsa-${hash}`);
  if (key === 'rsa') return ownByName.get(`rsa-${isPss ? 'pss-' : ''}${hash}`);
  return signatureAlgorithmFor(key, 'sha256');
}

/** Verifies a signature; false for whatever is wrong with it, garbage and keys of another kind included. */
export function verifySignedMessage(
  algorithm: MessageSignatureAlgorithm,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { hash } = algorithm;
  if (!isShake(hash)) return verifySignature(algorithm, key, data, signature);
  if (key.asymmetricKeyType !== algorithm.key) return false;
  const verifyShake = algorithm.key === 'rsa' ? verifyShakePss : verifyShakeEcdsa;
  try {
    return verifyShake(hash, key, data, signature);
  } catch {
    return false;
  }
}

/** Signs with a key of the algorithm's kind. @throws RangeError where the key is too short or of an unknown curve */
export async function signMessage(
  algorithm: MessageSignatureScheme,
  privateKey: KeyObject,
  data: Uint8Array,
): Promise<Uint8Array> {
  const { key, hash, pss } = algorithm;
  if (isShake(hash))
    return key === 'rsa' ? signShakePss(hash, privateKey, data) : signShakeEcdsa(hash, privateKey, data);
  if (key !== 'rsa') return sign(hash, data, privateKey);
  const padding = pss === undefined ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_PSS_PADDING;
  const input = pss === undefined ? { key: privateKey, padding } : { key: privateKey, padding, ...pss };
  // On the thread pool: half a millisecond and more, in which the event loop would stand still.
  return new Promise((resolve, reject) => {
    sign(hash, data, input, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  });
}

type FurtherAlgorithm = Omit<MessageSignatureAlgorithm, 'identifier'>;

const furtherById: ReadonlyMap<string, FurtherAlgorithm> = new Map<string, FurtherAlgorithm>([
  [message.sha224WithRsaEncryption, { name: 'rsa-sha224', key: 'rsa', hash: 'sha224' }],
  [message.idRsaWithSha3_224, { name: 'rsa-sha3-224', key: 'rsa', hash: 'sha3-224' }],
  [message.idRsaWithSha3_256, { name: 'rsa-sha3-256', key: 'rsa', hash: 'sha3-256' }],
  [message.idRsaWithSha3_384, { name: 'rsa-sha3-384', key: 'rsa', hash: 'sha3-384' }],
  [message.idRsaWithSha3_512, { name: 'rsa-sha3-512', key: 'rsa', hash: 'sha3-512' }],
  [message.idRsassaPssShake128, pssWithShake('shake128')],
  [message.idRsassaPssShake256, pssWithShake('shake256')],
  [message.ecdsaWithSha224, { name: 'ecdsa-sha224', key: 'ec', hash: 'sha224' }],
  [message.idEcdsaWithSha3_224, { name: 'ecdsa-sha3-224', key: 'ec', hash: 'sha3-224' }],
  [message.idEcdsaWithSha3_256, { name: 'ecdsa-sha3-256', key: 'ec', hash: 'sha3-256' }],
  [message.idEcdsaWithSha3_384, { name: 'ecdsa-sha3-384', key: 'ec', hash: 'sha3-384' }],
  [message.idEcdsaWithSha3_512, { name: 'ecdsa-sha3-512', key: 'ec', hash: 'sha3-512' }],
  [message.idEcdsaWithShake128, { name: 'ecdsa-shake128', key: 'ec', hash: 'shake128' }],
  [message.idEcdsaWithShake256, { name: 'ecdsa-shake256', key: 'ec', hash: 'shake256' }],
]);

const ownByName: ReadonlyMap<string, MessageSignatureAlgorithm> = new Map(
  [
    ...(['sha256', 'sha384', 'sha512'] as const).flatMap((hash) => [
      signatureAlgorithmFor('rsa', hash),
      signatureAlgorithmFor('ec', hash),
    ]),
    ...[...messageDigests].flatMap(([id, hash]) => (hash === 'sha1' ? [] : [pssWith(hash, id)])),
    ...[...furtherById].map(([id, algorithm]) => ({ ...algorithm, identifier: identifierOf(id, algorithm) })),
  ].map((algorithm) => [algorithm.name, algorithm]),
);

function pssWith(hash: Exclude<MessageDigest, 'sha1'>, id: string): MessageSignatureAlgorithm {
  const saltLength = Number(hash.slice(-3)) / 8;
  // RFC 4055 2.1 has NULL beside SHA-2, RFC 9688 2 nothing beside SHA-3.
  const digest = sequence(oid(id), hash.startsWith('sha3-') ? undefined : nullValue);
  const identifier = sequence(oid(oids.idRsassaPss), pssParameters(digest, saltLength));
  return { name: `rsa-pss-${hash}`, key: 'rsa', hash, pss: { saltLength }, identifier };
}

/** RFC 9688 3.1, RFC 8692 3: NULL beside RSA PKCS #1 v1.5, nothing beside all others. */
function identifierOf(id: string, { key, pss }: FurtherAlgorithm): Uint8Array {
  return sequence(oid(id), key === 'rsa' && pss === undefined ? nullValue : undefined);
}

function pssWithShake(hash: Shake): FurtherAlgorithm {
  return { name: `rsa-pss-${hash}`, key: 'rsa', hash, pss: { saltLength: shakeLengths[hash] } };
}

function isShake(hash: string | undefined): hash is Shake {
  return hash === 'shake128' || hash === 'shake256';
}

function isNull(der: Uint8Array): boolean {
  return Buffer.compare(der, nullValue) === 0;
}
