import {
  constants,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import { caKeyPurpose } from '../../../src/keys/key-purpose.js';
import { createSealing } from '../../../src/keys/sealing.js';
import { createSoftwareKeyStore, type SoftwareKeyStore } from '../../../src/keys/software-key-store.js';
import { generatedKeyTypes } from '../../../src/model/key-constraints.js';
import type { Store } from '../../../src/store/store.js';
import { signatureAlgorithmFor, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { withStore } from '../store/temporary-store.js';

const clock = { now: () => new Date('2026-11-21T08:00:00Z') };
const sealing = createSealing(createSecretKey(randomBytes(32)));
const data = Buffer.from('to be signed');

function keyStore(store: Store, sealedBy = sealing): SoftwareKeyStore {
  return createSoftwareKeyStore({ keys: store.keys, sealing: sealedBy, clock });
}

async function createKey(store: Store, type: (typeof generatedKeyTypes)[number] = 'ec-p256'): Promise<string> {
  const { signer, statement } = await keyStore(store).create(type, 'test');
  await store.commit({ statements: [statement], audit: [] });
  return signer.keyId;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error) => (error instanceof GatewayError ? error.code : `unexpected ${error}`),
  );
}

describe('software key store', () => {
  it('signs with RSASSA-PSS where that is asked for', async () => {
    await withStore(async (store) => {
      const { signer } = await keyStore(store).create('rsa-2048', 'test');
      const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
      for (const padding of ['pss', 'pkcs1'] as const) {
        const signature = await signer.sign(data, 'sha384', padding);
        expect(verifySignature(signatureAlgorithmFor('rsa', 'sha384', padding), key, data, signature)).toBe(true);
      }
    });
  });

  it.each([...generatedKeyTypes])('makes %s keys that sign, also after a restart', async (type) => {
    await withStore(async (store) => {
      const { signer, statement } = await keyStore(store).create(type, 'test');
      await store.commit({ statements: [statement], audit: [] });
      const reopened = await keyStore(store).signer(signer.keyId);
      expect(reopened.algorithm).toBe(type === 'ed25519' ? type : type.startsWith('rsa') ? 'rsa' : 'ec');
      const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
      if (type.startsWith('rsa')) {
        expect(publicKey.asymmetricKeyDetails).toEqual({
          modulusLength: Number(type.slice(4)),
          publicExponent: 65537n,
        });
      }
      for (const each of [signer, reopened]) {
        const hash = type === 'ec-p384' ? 'sha384' : 'sha256';
        const signature = await each.sign(data, hash);
        expect(verify(type === 'ed25519' ? null : hash, data, publicKey, signature)).toBe(true);
        expect(Buffer.compare(each.publicKey, signer.publicKey)).toBe(0);
      }
    });
  });

  it('keeps no private key in the clear', async () => {
    await withStore(async (store) => {
      const record = await store.keys.find({ id: await createKey(store) });
      const plaintext = sealing.open(`key:${record?.id}`, record?.sealed ?? new Uint8Array());
      expect(plaintext[0]).toBe(0x30);
      expect(Buffer.from(record?.sealed ?? []).includes(Buffer.from(plaintext).subarray(-40))).toBe(false);
    });
  });

  it('does not know a key that was never committed', async () => {
    await withStore(async (store) => {
      const { signer } = await keyStore(store).create('ec-p256', 'test');
      expect(await codeOf(keyStore(store).signer(signer.keyId))).toBe('internal');
    });
  });

  it('opens a key that appeared after a first look', async () => {
    await withStore(async (store) => {
      const keys = keyStore(store);
      const { signer, statement } = await keys.create('ec-p256', 'test');
      expect(await codeOf(keys.signer(signer.keyId))).toBe('internal');
      await store.commit({ statements: [statement], audit: [] });
      expect(await codeOf(keys.signer(signer.keyId))).toBe('done');
    });
  });

  it('refuses a sealed key that was moved to another row', async () => {
    await withStore(async (store) => {
      const record = await store.keys.find({ id: await createKey(store) });
      if (record === undefined) throw new Error('no key');
      await store.commit({ statements: [store.keys.insert({ ...record, id: 'moved' })], audit: [] });
      expect(await codeOf(keyStore(store).signer('moved'))).toBe('internal');
    });
  });

  it('refuses a key whose public key on record is another one', async () => {
    await withStore(async (store) => {
      const record = await store.keys.find({ id: await createKey(store) });
      const other = await store.keys.find({ id: await createKey(store) });
      if (record === undefined || other === undefined) throw new Error('no key');
      const statements = [
        store.keys.remove({ id: record.id }),
        store.keys.insert({ ...record, publicKey: other.publicKey }),
      ];
      await store.commit({ statements, audit: [] });
      expect(await codeOf(keyStore(store).signer(record.id))).toBe('internal');
    });
  });

  it('refuses to open under another key-encryption key', async () => {
    await withStore(async (store) => {
      const id = await createKey(store);
      const other = createSealing(createSecretKey(randomBytes(32)));
      expect(await codeOf(keyStore(store, other).signer(id))).toBe('internal');
    });
  });

  it('gives a service key in the clear to the TLS server, but never the key of a CA', async () => {
    await withStore(async (store) => {
      const keys = keyStore(store);
      const service = await keys.create('ec-p256', 'tls-server');
      const ca = await keys.create('ec-p256', `${caKeyPurpose}root-1`);
      await store.commit({ statements: [service.statement, ca.statement], audit: [] });
      const publicKey = createPublicKey(await keys.privateKeyPem(service.signer.keyId));
      expect(publicKey.export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(service.signer.publicKey));
      expect(await codeOf(keys.privateKeyPem(ca.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.privateKeyPem('unknown'))).toBe('internal');
    });
  });

  it('decrypts with an RSA key, also after a restart', async () => {
    await withStore(async (store) => {
      const { signer, statement } = await keyStore(store).create('rsa-2048', 'scep-ra');
      await store.commit({ statements: [statement], audit: [] });
      const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
      const contentKey = randomBytes(32);
      const encrypted = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, contentKey);
      const keys = keyStore(store);
      const decrypter = await keys.decrypter(signer.keyId);
      expect(decrypter.keyId).toBe(signer.keyId);
      expect(Buffer.compare(await decrypter.openKey('rsa-pkcs1', encrypted, 32), contentKey)).toBe(0);
      expect(await keys.decrypter(signer.keyId)).toBe(decrypter);
    });
  });

  it('never decrypts with the key of a CA, nor with one that is not RSA', async () => {
    await withStore(async (store) => {
      const keys = keyStore(store);
      const ca = await keys.create('rsa-2048', `${caKeyPurpose}root-1`);
      const ec = await keys.create('ec-p256', 'scep-ra');
      await store.commit({ statements: [ca.statement, ec.statement], audit: [] });
      expect(await codeOf(keys.decrypter(ca.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.signer(ca.signer.keyId))).toBe('done');
      expect(await codeOf(keys.decrypter(ca.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.decrypter(ec.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.decrypter('unknown'))).toBe('internal');
    });
  });

  it('agrees with an EC key on the secret that the other side computes, and with no key of another curve', async () => {
    await withStore(async (store) => {
      const { signer, statement } = await keyStore(store).create('ec-p256', 'cmp');
      await store.commit({ statements: [statement], audit: [] });
      const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const agreer = await keyStore(store).agreer(signer.keyId);
      expect(agreer.keyId).toBe(signer.keyId);
      const spkiOf = (key: KeyObject) => key.export({ format: 'der', type: 'spki' });
      const secret = diffieHellman({ privateKey: other.privateKey, publicKey });
      expect(await agreer.agree(spkiOf(other.publicKey))).toEqual(secret);
      expect(await agreer.agree(spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey))).toBeUndefined();
      expect(await agreer.agree(spkiOf(generateKeyPairSync('x25519').publicKey))).toBeUndefined();
      const beside = spkiOf(other.publicKey);
      beside[beside.length - 1] = (beside[beside.length - 1] ?? 0) ^ 1;
      expect(await agreer.agree(beside)).toBeUndefined();
    });
  });

  it('never agrees with the key of a CA, nor with one that is not EC', async () => {
    await withStore(async (store) => {
      const keys = keyStore(store);
      const ca = await keys.create('ec-p256', `${caKeyPurpose}root-1`);
      const edwards = await keys.create('ed25519', 'cmp');
      await store.commit({ statements: [ca.statement, edwards.statement], audit: [] });
      expect(await codeOf(keys.agreer(ca.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.agreer(edwards.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.agreer('unknown'))).toBe('internal');
    });
  });

  it('signs messages as it is told, but never with the key of a CA', async () => {
    await withStore(async (store) => {
      const keys = keyStore(store);
      const ca = await keys.create('rsa-2048', `${caKeyPurpose}root-1`);
      const own = await keys.create('rsa-2048', 'cmp');
      await store.commit({ statements: [ca.statement, own.statement], audit: [] });
      const key = createPublicKey({ key: Buffer.from(own.signer.publicKey), format: 'der', type: 'spki' });
      const scheme = { key: 'rsa', hash: 'sha3-384', pss: { saltLength: 48 } } as const;
      const { signMessage } = await keys.messageSigner(own.signer.keyId);
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
      expect(verify('sha3-384', data, pss, await signMessage(data, scheme))).toBe(true);
      expect(await codeOf(keys.messageSigner(ca.signer.keyId))).toBe('internal');
      expect(await codeOf(keys.messageSigner('unknown'))).toBe('internal');
    });
  });

  it('signs with SHA-1 for old clients', async () => {
    await withStore(async (store) => {
      const { signer } = await keyStore(store).create('rsa-2048', 'scep-ra');
      const publicKey = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
      expect(verify('sha1', data, publicKey, await signer.sign(data, 'sha1'))).toBe(true);
    });
  });
});
