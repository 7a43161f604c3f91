import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/clock.js';
import { createOutage } from '../../../src/keys/outage.js';
import type { Pkcs11Library } from '../../../src/keys/pkcs11/library.js';
import { createPkcs11Access } from '../../../src/keys/pkcs11/pkcs11-key-store.js';
import { createToken } from '../../../src/keys/pkcs11/token.js';
import { createRemoteKeyStore } from '../../../src/keys/remote-key-store.js';
import { withStore } from '../store/temporary-store.js';

process.env.TEST_TOKEN_PIN = '1234';

const handle = Buffer.alloc(8);

/** A vendor's library whose functions are there, and fail as a test says: SoftHSM never fills up. */
function createLibrary(changes: Partial<Pkcs11Library>, flags = 0): Pkcs11Library {
  return {
    load: () => {},
    C_Initialize: () => {},
    C_GetSlotList: () => [handle],
    C_GetTokenInfo: () => ({ label: 'full', serialNumber: '1', model: 'test', flags }),
    C_GetMechanismList: () => [0x1040, 0x1041],
    C_OpenSession: () => handle,
    C_CloseSession: () => {},
    C_GetSessionInfo: () => ({}),
    C_Login: () => {},
    C_FindObjectsInit: () => {},
    C_FindObjects: () => [],
    C_FindObjectsFinal: () => {},
    C_GetAttributeValue: () => [],
    C_GenerateKeyPairAsync: async () => ({ publicKey: handle, privateKey: handle }),
    C_DestroyObject: () => {},
    C_SignInit: () => {},
    C_SignAsync: async () => createHash('sha512').digest(),
    ...changes,
  };
}

function failure(code: number, name: string): Error {
  return Object.assign(new Error(name), { code });
}

async function createOn(library: Pkcs11Library, type: 'ec-p256' | 'ed25519' = 'ec-p256') {
  const token = createToken(library);
  const reports: string[] = [];
  let outcome = { code: 'done', message: '' };
  await withStore(async (store) => {
    const observer = {
      lost: (_name: string, reason: string) => reports.push(`lost: ${reason}`),
      recovered: () => {},
      refused: (_name: string, purpose: string, reason: string) => reports.push(`refused ${purpose}: ${reason}`),
    };
    const access = createPkcs11Access({
      name: 'hsm',
      config: { kind: 'pkcs11', module: 'x', tokenLabel: 'full', pinVariable: 'TEST_TOKEN_PIN', sessions: 2 },
      connection: { call: (address, operation) => token.run(operation, address), close: async () => {} },
      pinKey: new Uint8Array(32),
      refusedPins: { find: async () => undefined, put: async () => {} },
    });
    const keyStore = createRemoteKeyStore({
      name: 'hsm',
      access,
      keys: store.keys,
      createId: () => '00000000-0000-4000-8000-000000000000',
      clock: systemClock,
      outage: createOutage('hsm', systemClock, observer),
      observer,
    });
    outcome = await keyStore.create(type, 'ca:x-1').then(
      () => outcome,
      ({ code, message }) => ({ code, message }),
    );
    expect(await store.keys.findByStore({ store: 'hsm' })).toEqual([]);
  });
  return { ...outcome, reports };
}

describe('a token that makes no key', () => {
  it.each([
    [0x31, 'CKR_DEVICE_MEMORY'],
    [0x02, 'CKR_HOST_MEMORY'],
    [0xe2, 'CKR_TOKEN_WRITE_PROTECTED'],
  ])('because it is full (%s) says so, and is not taken for lost', async (code, name) => {
    const full = createLibrary({ C_GenerateKeyPairAsync: () => Promise.reject(failure(code, name)) });
    const message = `the key store hsm: the token takes no more keys (${name}): remove keys that are not needed, or name another key store`;
    expect(await createOn(full)).toEqual({ code: 'unavailable', message, reports: [`refused ca:x-1: ${message}`] });
  });

  it('because it has no such keys is not asked to', async () => {
    let asked = 0;
    const library = createLibrary({
      C_GenerateKeyPairAsync: async () => {
        asked++;
        return { publicKey: handle, privateKey: handle };
      },
    });
    expect(await createOn(library, 'ed25519')).toMatchObject({ code: 'unsupported-algorithm' });
    expect(asked).toBe(0);
  });

  it('whose public key cannot be read is made to forget both halves', async () => {
    let destroyed = 0;
    const library = createLibrary({
      C_DestroyObject: () => {
        destroyed++;
      },
    });
    expect(await createOn(library)).toMatchObject({ code: 'unsupported-algorithm' });
    expect(destroyed).toBe(2);
  });

  it.each([
    [0x2_0000, 'one more wrong PIN would lock the token'],
    [0x4_0000, 'PIN is locked'],
  ])('because of its PIN (flags %s) is not given one', async (flags, reason) => {
    let logins = 0;
    const library = createLibrary(
      {
        C_Login: () => {
          logins++;
        },
      },
      flags,
    );
    const { code, reports } = await createOn(library);
    expect([code, logins]).toEqual(['unavailable', 0]);
    expect(reports[0]).toContain(reason);
  });
});
