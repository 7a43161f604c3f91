/** Private keys that the gateway keeps itself: sealed in the database, open only in this process's memory. */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomUUID,
  type SignKeyObjectInput,
  sign as signWith,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { KeyRecord, KeyRepository } from '../store/key-repository.js';
import { signMessage } from '../x509/message-signatures.js';
import type { KeyAlgorithm } from '../x509/public-key.js';
import { createAgreement } from './key-agreement.js';
import { caKeyPurpose } from './key-purpose.js';
import { createKeyOpener } from './rsa-key-transport.js';
import type { Sealing } from './sealing.js';
import type { Agreer, Decrypter, KeyStore, MessageSigner, SignatureHash, Signer } from './signer.js';

interface SoftwareKeyStoreOptions {
  readonly keys: Pick<KeyRepository, 'insert' | 'find'>;
  readonly sealing: Sealing;
  readonly clock: Clock;
}

export interface SoftwareKeyStore extends KeyStore {
  /**
   * A private key in the clear, PKCS #8, for Node's TLS server, which cannot be given a signer.
   * @throws GatewayError 'internal' as `signer` does, and for the key of a CA, which never leaves this store
   */
  privateKeyPem(keyId: string): Promise<string>;
}

export function createSoftwareKeyStore({ keys, sealing, clock }: SoftwareKeyStoreOptions): SoftwareKeyStore {
  // Opening a key costs ten times what signing with it does, and a key never changes.
  const opened = new Map<string, Promise<OpenedKey>>();

  async function getRecord(keyId: string): Promise<KeyRecord> {
    const record = await keys.find({ id: keyId });
    if (record === undefined) throw unusable(`there is no key ${keyId}`);
    return record;
  }

  async function open(keyId: string): Promise<OpenedKey> {
    const record = await getRecord(keyId);
    const privateKey = openPrivateKey(record, sealing);
    return {
      signer: createSigner(keyId, privateKey),
      messageSigner: createMessageSigner(record, privateKey),
      decrypter: createDecrypter(record, privateKey),
      agreer: createAgreer(record, privateKey),
    };
  }

  function getKey(keyId: string): Promise<OpenedKey> {
    const known = opened.get(keyId);
    if (known !== undefined) return known;
    const key = open(keyId);
    opened.set(keyId, key);
    // A failed attempt must not answer for later ones.
    key.catch(() => opened.delete(keyId));
    return key;
  }

  return {
    async create(type, purpose) {
      const privateKey = await generatePrivateKey(type);
      const id = randomUUID();
      const signer = createSigner(id, privateKey);
      const plaintext = privateKey.export({ format: 'der', type: 'pkcs8' });
      const sealed = sealing.seal(contextOf(id), plaintext);
      plaintext.fill(0);
      const { publicKey } = signer;
      const createdAt = clock.now().getTime();
      return { signer, statement: keys.insert({ id, purpose, algorithm: type, publicKey, sealed, createdAt }) };
    },

    async signer(keyId) {
      return (await getKey(keyId)).signer;
    },

    async messageSigner(keyId) {
      const { messageSigner } = await getKey(keyId);
      if (messageSigner === undefined) throw unusable(`the key ${keyId} is not one to sign messages with`);
      return messageSigner;
    },

    async decrypter(keyId) {
      const { decrypter } = await getKey(keyId);
      if (decrypter === undefined) throw unusable(`the key ${keyId} is not one to decrypt with`);
      return decrypter;
    },

    async agreer(keyId) {
      const { agreer } = await getKey(keyId);
      if (agreer === undefined) throw unusable(`the key ${keyId} is not one to agree with`);
      return agreer;
    },

    async privateKeyPem(keyId) {
      const record = await getRecord(keyId);
      if (isCaKey(record)) throw unusable(`the key ${keyId} of a CA was asked for in the clear`);
      return openPrivateKey(record, sealing).export({ format: 'pem', type: 'pkcs8' }).toString();
    },
  };
}

interface OpenedKey {
  readonly signer: Signer;
  /** Undefined for the key of a CA. */
  readonly messageSigner: MessageSigner | undefined;
  /** Undefined for a key that never decrypts: that of a CA, or one that is not RSA. */
  readonly decrypter: Decrypter | undefined;
  /** Undefined for a key that never agrees: that of a CA, or one that is not EC. */
  readonly agreer: Agreer | undefined;
}

const makeKeyPair = promisify(generateKeyPair);

async function generatePrivateKey(type: GeneratedKeyType): Promise<KeyObject> {
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

function openPrivateKey(record: KeyRecord, sealing: Sealing): KeyObject {
  const plaintext = sealing.open(contextOf(record.id), record.sealed);
  try {
    const key = createPrivateKey({
      key: Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length),
      format: 'der',
      type: 'pkcs8',
    });
    // The seal does not cover the public key, and what is certified must be the key that signs.
    if (Buffer.compare(publicKeyOf(key), record.publicKey) !== 0) {
      throw unusable(`the public key on record for ${record.id} is another one's`);
    }
    return key;
  } finally {
    plaintext.fill(0);
  }
}

function createSigner(keyId: string, privateKey: KeyObject): Signer {
  const algorithm = algorithmOf(privateKey);
  return { keyId, algorithm, publicKey: publicKeyOf(privateKey), sign: signFunctionOf(algorithm, privateKey) };
}

function signFunctionOf(algorithm: KeyAlgorithm, key: KeyObject): Signer['sign'] {
  switch (algorithm) {
    case 'rsa':
      // On the thread pool: half a millisecond and more, in which the event loop would stand still.
      return (data, hash, rsaPadding) => signOnThreadPool(hash, data, { key, ...paddings[rsaPadding ?? 'pkcs1'] });
    case 'ec':
      // At once: a turn through the thread pool costs three times what the signature does; but for what takes long to hash.
      return async (data, hash) =>
        data.length > hashedAtOnce ? await signOnThreadPool(hash, data, { key }) : signWith(hash, data, key);
    default:
      return async (data) => signWith(null, data, key);
  }
}

const hashedAtOnce = 1_000_000;

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

function createMessageSigner(record: KeyRecord, privateKey: KeyObject): MessageSigner | undefined {
  if (isCaKey(record)) return undefined;
  return { keyId: record.id, signMessage: (data, scheme) => signMessage(scheme, privateKey, data) };
}

function createDecrypter(record: KeyRecord, privateKey: KeyObject): Decrypter | undefined {
  if (isCaKey(record) || privateKey.asymmetricKeyType !== 'rsa') return undefined;
  return { keyId: record.id, openKey: createKeyOpener(privateKey) };
}

function createAgreer(record: KeyRecord, privateKey: KeyObject): Agreer | undefined {
  if (isCaKey(record) || privateKey.asymmetricKeyType !== 'ec') return undefined;
  return { keyId: record.id, agree: createAgreement(privateKey) };
}

function isCaKey({ purpose }: KeyRecord): boolean {
  return purpose.startsWith(caKeyPurpose);
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  const type = key.asymmetricKeyType;
  if (type === 'rsa' || type === 'ec' || type === 'ed25519' || type === 'ed448') return type;
  throw unusable(`a key is of type ${type}`);
}

function publicKeyOf(privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
}

function contextOf(keyId: string): string {
  return `key:${keyId}`;
}

function unusable(reason: string): GatewayError {
  return new GatewayError('internal', 'a key of the gateway cannot be used', { cause: new Error(reason) });
}
