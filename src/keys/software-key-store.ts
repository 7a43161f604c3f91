/** Private keys that the gateway keeps itself: sealed in the database, open only in this process's memory. */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { softwareKeyStore } from '../model/key-store.js';
import type { KeyRecord, KeyRepository } from '../store/key-repository.js';
import { signMessage } from '../x509/message-signatures.js';
import { createAgreement } from './key-agreement.js';
import { caKeyPurpose } from './key-purpose.js';
import { generatedTypeOf } from './key-type.js';
import { createSigner, generatePrivateKey, publicKeyOf, readPkcs8 } from './private-key.js';
import { createKeyOpener } from './rsa-key-transport.js';
import type { Sealing } from './sealing.js';
import type { Agreer, Decrypter, KeyStore, MessageSigner, NewKey, Signer } from './signer.js';

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
  /** Takes over a private key, DER PKCS #8 that is not encrypted. @throws GatewayError 'unacceptable-key' */
  adopt(pkcs8: Uint8Array, purpose: string): NewKey;
  /** Drops what is open of a key that was removed. */
  forget(keyId: string): void;
  /**
   * The key of a CA that is to leave the gateway, DER PKCS #8 that is not encrypted, for the caller to wipe.
   * @throws GatewayError 'internal' as `signer` does
   */
  takeOut(keyId: string): Promise<Uint8Array>;
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

  function keep(privateKey: KeyObject, algorithm: string, purpose: string): NewKey {
    const id = randomUUID();
    const signer = createSigner(id, privateKey);
    const plaintext = privateKey.export({ format: 'der', type: 'pkcs8' });
    const sealed = sealing.seal(contextOf(id), plaintext);
    plaintext.fill(0);
    const { publicKey } = signer;
    const store = softwareKeyStore;
    const createdAt = clock.now().getTime();
    return { signer, statement: keys.insert({ id, purpose, algorithm, publicKey, store, sealed, createdAt }) };
  }

  return {
    create: async (type, purpose) => keep(await generatePrivateKey(type), type, purpose),

    adopt(pkcs8, purpose) {
      const privateKey = readPkcs8(pkcs8);
      return keep(privateKey, generatedTypeOf(publicKeyOf(privateKey)), purpose);
    },

    forget: (keyId) => {
      opened.delete(keyId);
    },

    async takeOut(keyId) {
      return openPrivateKey(await getRecord(keyId), sealing).export({ format: 'der', type: 'pkcs8' });
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

function contextOf(keyId: string): string {
  return `key:${keyId}`;
}

function unusable(reason: string): GatewayError {
  return new GatewayError('internal', 'a key of the gateway cannot be used', { cause: new Error(reason) });
}
