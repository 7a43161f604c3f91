/** Private keys that are open in this process: making and reading them, and signing with them. */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  type SignKeyObjectInput,
  sign as signWith,
} from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { KeyAlgorithm } from '../x509/public-key.js';
import type { SignatureHash, Signer } from './signer.js';

export async function generatePrivateKey(type: GeneratedKeyType): Promise<KeyObject> {
  switch (type) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return (await makeKeyPair('rsa', { modulusLength: Number(type.slice(4)) })).privateKey;
    case 'ec-p256':
      return (await makeKeyPair('ec', { namedCurve: 'P-256' })).privateKey;
    case 'ec-p384':
      return (await makeKeyPair('ec', { namedCurve: 'P-384' })).privateKey;
    case 'ec-p521':
      return (await makeKeyPair('ec', { namedCurve: 'P-521' })).privateKey;
    case 'ed25519':
      return (await makeKeyPair('ed25519')).privateKey;
  }
}

/** Reads a private key, DER PKCS #8 that is not encrypted. @throws GatewayError 'unacceptable-key' */
export function readPkcs8(pkcs8: Uint8Array): KeyObject {
  try {
    return createPrivateKey({
      key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length),
      format: 'der',
      type: 'pkcs8',
    });
  } catch (cause) {
    throw new GatewayError('unacceptable-key', 'the private key is not PKCS #8 that can be read', { cause });
  }
}

/** DER SubjectPublicKeyInfo. */
export function publicKeyOf(privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
}

/** @throws GatewayError 'internal' for a key that does not sign */
export function createSigner(keyId: string, privateKey: KeyObject): Signer {
  const algorithm = algorithmOf(privateKey);
  return { keyId, algorithm, publicKey: publicKeyOf(privateKey), sign: signFunctionOf(algorithm, privateKey) };
}

const makeKeyPair = promisify(generateKeyPair);

function signFunctionOf(algorithm: KeyAlgorithm, key: KeyObject): Signer['sign'] {
  switch (algorithm) {
    case 'rsa':
      // On the thread pool: half a millisecond and more, in which the event loop would stand still.
      return (data, hash, rsaPadding) => signOnThreadPool(hash, data, { key, ...paddings[rsaPadding ?? 'pkcs1'] });
    case 'ec':
      // At once: a turn through the thread pool costs three times what the signature does.
      return async (data, hash) => signWith(hash, data, key);
    default:
      return async (data) => signWith(null, data, key);
  }
}

/** The salt is as long as the hash (RFC 4055 3.1). */
const paddings = {
  pkcs1: { padding: constants.RSA_PKCS1_PADDING },
  pss: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
} as const;

function signOnThreadPool(
  hash: SignatureHash | 'sha1',
  data: Uint8Array,
  key: SignKeyObjectInput,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    signWith(hash, data, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
  });
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  const type = key.asymmetricKeyType;
  if (type === 'rsa' || type === 'ec' || type === 'ed25519' || type === 'ed448') return type;
  throw new GatewayError('internal', 'a key of the gateway cannot be used', {
    cause: new Error(`a key is of type ${type}`),
  });
}
