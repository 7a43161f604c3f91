/** Key stores of CAs over a store of their own, with what they report. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { systemClock } from '../../src/clock.js';
import type { CaKeys } from '../../src/keys/ca-keys.js';
import type { KeyEncryptionKey } from '../../src/keys/key-encryption-key.js';
import { openCaKeys } from '../../src/keys/open-ca-keys.js';
import { createSealing } from '../../src/keys/sealing.js';
import { createSoftwareKeyStore } from '../../src/keys/software-key-store.js';
import { type KeyStoreConfig, keyStoresSchema } from '../../src/model/key-store.js';
import { createOutboundClient } from '../../src/outbound/outbound-client.js';
import type { KeyRecord } from '../../src/store/key-repository.js';
import type { Store } from '../../src/store/store.js';

export interface TestCaKeys {
  readonly caKeys: CaKeys;
  /** What was told of the stores, one line each. */
  readonly reports: readonly string[];
}

const secret = createSecretKey(randomBytes(32));
const kek: KeyEncryptionKey = { derive: () => secret };

/** @param configs key stores by name, as settings have them */
export function openTestCaKeys(
  store: Store,
  configs: Readonly<Record<string, object>>,
  clock = systemClock,
): TestCaKeys {
  const reports: string[] = [];
  const parsed: Readonly<Record<string, KeyStoreConfig>> = keyStoresSchema.parse(configs);
  const caKeys = openCaKeys({
    configs: parsed,
    software: createSoftwareKeyStore({ keys: store.keys, sealing: createSealing(secret), clock }),
    store,
    kek,
    outbound: createOutboundClient(),
    clock,
    observer: {
      lost: (name, reason) => reports.push(`lost ${name}: ${reason}`),
      recovered: (name) => reports.push(`recovered ${name}`),
      refused: (name, purpose, reason) => reports.push(`refused ${name} ${purpose}: ${reason}`),
    },
  });
  return { caKeys, reports };
}

/** Makes a key and keeps it on record. */
export async function makeKey(
  store: Store,
  caKeys: CaKeys,
  keyStore: string,
  type: Parameters<ReturnType<CaKeys['store']>['create']>[0] = 'ec-p256',
): Promise<KeyRecord> {
  const { signer, statement } = await caKeys.store(keyStore).create(type, `ca:test-${type}`);
  await store.commit({ statements: [statement], audit: [] });
  const record = await store.keys.find({ id: signer.keyId });
  if (record === undefined) throw new Error('the key is not on record');
  return record;
}
