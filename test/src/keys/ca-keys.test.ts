import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { makeKey, openTestCaKeys } from '../../support/ca-keys.js';
import { withStore } from '../store/temporary-store.js';

const data = Buffer.from('to be signed');

function pkcs8Of(key: ReturnType<typeof generateKeyPairSync>['privateKey']): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

describe('keys of CAs in the database', () => {
  it('are what they were when they were taken over, and gone when they were removed', async () => {
    await withStore(async (store) => {
      const { caKeys } = openTestCaKeys(store, {});
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const adopted = await caKeys.store().adopt({ pkcs8: pkcs8Of(privateKey) }, 'ca:imported-1');
      await store.commit({ statements: [adopted.statement], audit: [] });
      const { keyId, publicKey } = adopted.signer;
      const record = await store.keys.find({ id: keyId });
      expect(record).toMatchObject({ store: 'software', algorithm: 'ec-p384', purpose: 'ca:imported-1' });
      if (record === undefined) return;
      const signer = caKeys.lazySigner({ keyId, publicKey });
      const signature = await signer.sign(data, 'sha384');
      const algorithm = signatureAlgorithmFor('ec', 'sha384');
      expect(verifySignature(algorithm, importPublicKey(publicKey), data, signature)).toBe(true);
      expect(Buffer.from(await caKeys.takeOut(keyId))).toEqual(Buffer.from(pkcs8Of(privateKey)));
      const { statements, after } = await caKeys.removal(keyId);
      await store.commit({ statements, audit: [] });
      await after();
      expect((await caKeys.removal(keyId)).statements).toEqual([]);
      const again = caKeys.lazySigner({ keyId, publicKey });
      await expect(again.sign(data, 'sha384')).rejects.toMatchObject({ code: 'internal' });
    });
  });

  it.each([
    ['too short', () => pkcs8Of(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), 'rsa-1024'],
    ['one that does not sign', () => pkcs8Of(generateKeyPairSync('x25519').privateKey), 'type x25519'],
    ['no key', () => data, 'not PKCS #8'],
  ])('are not taken over: %s', async (_name, pkcs8, message) => {
    await withStore(async (store) => {
      const { caKeys } = openTestCaKeys(store, {});
      await expect(caKeys.store().adopt({ pkcs8: pkcs8() }, 'ca:x-1')).rejects.toMatchObject({
        code: 'unacceptable-key',
        message: expect.stringContaining(message),
      });
    });
  });

  it('that are in a key store which is not named any more say so when they are to sign', async () => {
    await withStore(async (store) => {
      const { caKeys } = openTestCaKeys(store, {});
      expect(() => caKeys.store('hsm')).toThrow('there is no key store "hsm": name it in keyStores of the settings');
      const record = await makeKey(store, caKeys, 'software');
      await store.commit({
        statements: [store.keys.remove({ id: record.id }), store.keys.insert({ ...record, store: 'hsm' })],
        audit: [],
      });
      const signer = caKeys.lazySigner({ keyId: record.id, publicKey: record.publicKey });
      await expect(signer.sign(data, 'sha256')).rejects.toMatchObject({
        code: 'unavailable',
        cause: expect.objectContaining({ message: expect.stringContaining('the key store "hsm"') }),
      });
    });
  });
});
