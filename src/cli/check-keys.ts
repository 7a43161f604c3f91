/** Checks of what `gatehouse doctor` finds about the keys of CAs and the stores that have them. */
import { systemClock } from '../clock.js';
import type { CaKeys } from '../keys/ca-keys.js';
import { reopenKeyEncryptionKey } from '../keys/key-encryption-key.js';
import { openCaKeys } from '../keys/open-ca-keys.js';
import { createSealing } from '../keys/sealing.js';
import { createSoftwareKeyStore } from '../keys/software-key-store.js';
import { softwareKeyStore } from '../model/key-store.js';
import { createOutboundClient } from '../outbound/outbound-client.js';
import { kekSourceOf, type Settings } from '../settings.js';
import type { Store } from '../store/store.js';
import { countOf } from './amount.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** Nothing where the key-encryption key does not open: that is a finding already. */
export async function checkCaKeys(store: Store, settings: Settings): Promise<readonly Finding[]> {
  const kek = await reopenKeyEncryptionKey({ store, source: kekSourceOf(settings) }).catch(() => undefined);
  if (kek === undefined) return [];
  const software = createSoftwareKeyStore({
    keys: store.keys,
    sealing: createSealing(kek.derive('sealing')),
    clock: systemClock,
  });
  const caKeys = openCaKeys({
    configs: settings.keyStores,
    software,
    store,
    kek,
    outbound: createOutboundClient(),
    clock: systemClock,
    observer: { lost: () => {}, recovered: () => {}, refused: () => {} },
  });
  try {
    return [...(await findUnusable(store, caKeys)), ...(await checkStores(caKeys))];
  } finally {
    await caKeys.close();
  }
}

/** Keys in the database that do not open, and those that are in no store of the settings. */
async function findUnusable(store: Store, caKeys: CaKeys): Promise<readonly Finding[]> {
  const check = 'CA keys';
  const names = new Set(caKeys.stores().map(({ name }) => name));
  const generations = await store.caGenerations.all();
  const found: Finding[] = [];
  for (const { id, keyId } of generations) {
    const record = await store.keys.find({ id: keyId });
    if (keyId === '') continue;
    if (record === undefined) {
      found.push(problem(check, `the key of ${id} is not in the database`, 'restore a backup'));
    } else if (!names.has(record.store)) {
      const remedy = `name "${record.store}" in keyStores of the settings`;
      found.push(problem(check, `the key of ${id} is in the key store "${record.store}", which is none`, remedy));
    } else if (record.store === softwareKeyStore) {
      const opens = await caKeys
        .store()
        .signer(record)
        .then(
          () => true,
          () => false,
        );
      if (!opens) found.push(problem(check, `the key of ${id} in the database is damaged`, 'restore a backup'));
    }
  }
  return found.length > 0 ? found : [ok(check, `${countOf(generations.length, 'generation')}, keys where they belong`)];
}

async function checkStores(caKeys: CaKeys): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const keyStore of caKeys.stores().filter(({ name }) => name !== softwareKeyStore)) {
    const check = `key store ${keyStore.name}`;
    const { reachable, detail, missing, orphans } = await keyStore.state();
    if (!reachable) {
      found.push(problem(check, detail, 'put that right; until then its CAs neither issue nor sign CRLs'));
      continue;
    }
    const lost = missing.map((purpose) =>
      problem(check, `the key ${purpose} is not in it`, 'bring back the token or service that has it, or its backup'),
    );
    const left = orphans.map((orphan) =>
      warning(check, `it has the key ${orphan}, which is not on record`, "remove it, unless it is another gateway's"),
    );
    found.push(...(lost.length + left.length > 0 ? [...lost, ...left] : [ok(check, detail)]));
  }
  return found;
}
