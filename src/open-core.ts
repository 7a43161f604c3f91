/** Opens everything below the listeners: store, keys, catalog, CA and the enrollment flow. What the command line works with, too. */
import { mkdir } from 'node:fs/promises';
import { createAuditRecord } from './audit/audit-record.js';
import { type Authority, createAuthority } from './ca/authority.js';
import { createCrlPublisher } from './ca/crl.js';
import { createGenerations, type Generations } from './ca/generations.js';
import { ensureHierarchy } from './ca/hierarchy.js';
import { type CatalogHolder, createCatalogHolder } from './catalog/holder.js';
import type { Clock } from './clock.js';
import { openCompromisedKeys } from './compromised-keys.js';
import type { EnrollmentServices } from './enrollment/services.js';
import type { CaKeys } from './keys/ca-keys.js';
import { openKeyEncryptionKey } from './keys/key-encryption-key.js';
import { caKeyPurpose } from './keys/key-purpose.js';
import { openCaKeys } from './keys/open-ca-keys.js';
import type { KeyStoreObserver } from './keys/outage.js';
import { createPasscodeLookup } from './keys/passcode-lookup.js';
import { createSealing } from './keys/sealing.js';
import { createSoftwareKeyStore, type SoftwareKeyStore } from './keys/software-key-store.js';
import type { Log } from './log.js';
import { createMinuteCounter } from './minute-counter.js';
import { createOutboundClient } from './outbound/outbound-client.js';
import { kekSourceOf, type Settings } from './settings.js';
import { openStore } from './store/sqlite-store.js';
import type { Store } from './store/store.js';

interface CoreOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Core extends EnrollmentServices {
  /** Of the gateway's services, in the database. */
  readonly keys: SoftwareKeyStore;
  readonly caKeys: CaKeys;
  readonly holder: CatalogHolder;
  readonly authority: Authority;
  readonly generations: Generations;
  readonly publicUrls: PublicUrls;
  /** Makes the CAs that the catalog has and the store has not yet; returns their names. */
  ensureCas(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The base URLs of the listeners, such as `https://localhost:8443`, under the gateway's public name. */
export interface PublicUrls {
  readonly deviceTls: string;
  readonly deviceHttp: string;
  readonly admin: string;
}

/** @throws Error with a sentence for the operator when the data directory, the key-encryption key or the database cannot be used. */
export async function openCore({ settings, log, clock }: CoreOptions): Promise<Core> {
  await mkdir(settings.data, { recursive: true, mode: 0o700 });
  const store = await openStore({ file: settings.database });
  try {
    const compromised = openCompromisedKeys(settings.compromisedKeysFile, log);
    const kek = await openKeyEncryptionKey({ store, dataDirectory: settings.data, source: kekSourceOf(settings) });
    const sealing = createSealing(kek.derive('sealing'));
    const keys = createSoftwareKeyStore({ keys: store.keys, sealing, clock });
    const outbound = createOutboundClient();
    const reports = createReports(store, log, clock);
    const caKeys = openCaKeys({
      configs: settings.keyStores,
      software: keys,
      store,
      kek,
      outbound,
      clock,
      observer: reports.observer,
    });
    const holder = await createCatalogHolder({ store, log });
    const catalog = () => holder.current();
    const configs = () => catalog().certificateAuthorities;
    const generations = createGenerations({
      store,
      keys: caKeys,
      publicHttpUrl: settings.publicHttpUrl,
      answersOcsp: settings.protocols.includes('ocsp'),
    });
    const authority = createAuthority({ store, generations, configs, clock });
    await authority.reload();
    return {
      store,
      authority,
      generations,
      crls: createCrlPublisher({ store, generations, configs, clock, createAuditRecord }),
      sealing,
      keys,
      caKeys,
      holder,
      publicUrls: publicUrls(settings),
      catalog,
      clock,
      log,
      passcodeLookup: createPasscodeLookup(kek.derive('passcodes')),
      deriveKey: kek.derive,
      outbound,
      isCompromisedKey: (fingerprint) => compromised.has(fingerprint),
      failures: createMinuteCounter(clock),
      failuresPerMinute: settings.failedAuthenticationsPerMinute,
      refusals: createMinuteCounter(clock),
      enrollments: createMinuteCounter(clock),
      ensureCas: () =>
        ensureHierarchy({ configs: configs(), store, keys: caKeys, generations, authority, clock, createAuditRecord }),
      close: async () => {
        holder.close();
        compromised.close();
        await caKeys.close();
        await reports.settled();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Outages and refusals of key stores, in the log and in the audit log. */
function createReports(store: Store, log: Log, clock: Clock) {
  const writing = new Set<Promise<void>>();

  function record(action: 'ca.key-lost' | 'ca.key-found' | 'ca.key-refused', subject: string, details: object): void {
    const outcome = action === 'ca.key-found' ? 'success' : 'refused';
    const audit = [createAuditRecord({ at: clock.now(), action, outcome, subject, details: { ...details } })];
    const written = store
      .commit({ statements: [], audit })
      .catch((err) => log.error({ err }, 'what happened to a key store could not be recorded'))
      .then(() => {
        writing.delete(written);
      });
    writing.add(written);
  }

  const observer: KeyStoreObserver = {
    lost(keyStore, reason) {
      log.error({ keyStore, reason }, 'a key store cannot be used');
      record('ca.key-lost', keyStore, { keyStore, reason });
    },
    recovered(keyStore) {
      log.info({ keyStore }, 'a key store can be used again');
      record('ca.key-found', keyStore, { keyStore });
    },
    refused(keyStore, purpose, reason) {
      log.error({ keyStore, purpose, reason }, 'a key store made no key');
      record('ca.key-refused', purpose.slice(caKeyPurpose.length), { keyStore, reason });
    },
  };
  return {
    observer,
    settled: async () => {
      await Promise.all(writing);
    },
  };
}

function publicUrls({ publicName, deviceTlsPort, deviceHttpPort, adminPort }: Settings): PublicUrls {
  return {
    deviceTls: `https://${publicName}:${deviceTlsPort}`,
    deviceHttp: `http://${publicName}:${deviceHttpPort}`,
    admin: `https://${publicName}:${adminPort}`,
  };
}
