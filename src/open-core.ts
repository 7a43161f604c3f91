/** Opens everything below the listeners: store, keys, catalog, CA and the enrollment flow. What the command line works with, too. */
import { mkdir } from 'node:fs/promises';
import { createAuditRecord } from './audit/audit-record.js';
import { type Authority, createAuthority } from './ca/authority.js';
import { createCrlPublisher } from './ca/crl.js';
import { createGenerations } from './ca/generations.js';
import { ensureHierarchy } from './ca/hierarchy.js';
import { type CatalogHolder, createCatalogHolder } from './catalog/holder.js';
import type { Clock } from './clock.js';
import { openCompromisedKeys } from './compromised-keys.js';
import type { EnrollmentServices } from './enrollment/services.js';
import { openKeyEncryptionKey } from './keys/key-encryption-key.js';
import { createPasscodeLookup } from './keys/passcode-lookup.js';
import { createSealing } from './keys/sealing.js';
import { createSoftwareKeyStore, type SoftwareKeyStore } from './keys/software-key-store.js';
import type { Log } from './log.js';
import { createMinuteCounter } from './minute-counter.js';
import { createOutboundClient } from './outbound/outbound-client.js';
import type { Settings } from './settings.js';
import { openStore } from './store/sqlite-store.js';

interface CoreOptions {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Core extends EnrollmentServices {
  readonly keys: SoftwareKeyStore;
  readonly holder: CatalogHolder;
  readonly authority: Authority;
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
    const kek = await openKeyEncryptionKey({ store, dataDirectory: settings.data, file: settings.kekFile });
    const sealing = createSealing(kek.derive('sealing'));
    const keys = createSoftwareKeyStore({ keys: store.keys, sealing, clock });
    const holder = await createCatalogHolder({ store, log });
    const catalog = () => holder.current();
    const configs = () => catalog().certificateAuthorities;
    const generations = createGenerations({
      store,
      keys,
      publicHttpUrl: settings.publicHttpUrl,
      answersOcsp: settings.protocols.includes('ocsp'),
    });
    const authority = createAuthority({ store, generations, configs, clock });
    await authority.reload();
    return {
      store,
      authority,
      crls: createCrlPublisher({ store, generations, configs, clock, createAuditRecord }),
      sealing,
      keys,
      holder,
      publicUrls: publicUrls(settings),
      catalog,
      clock,
      log,
      passcodeLookup: createPasscodeLookup(kek.derive('passcodes')),
      deriveKey: kek.derive,
      outbound: createOutboundClient(),
      isCompromisedKey: (fingerprint) => compromised.has(fingerprint),
      failures: createMinuteCounter(clock),
      failuresPerMinute: settings.failedAuthenticationsPerMinute,
      refusals: createMinuteCounter(clock),
      enrollments: createMinuteCounter(clock),
      ensureCas: () =>
        ensureHierarchy({ configs: configs(), store, keys, generations, authority, clock, createAuditRecord }),
      close: async () => {
        holder.close();
        compromised.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function publicUrls({ publicName, deviceTlsPort, deviceHttpPort, adminPort }: Settings): PublicUrls {
  return {
    deviceTls: `https://${publicName}:${deviceTlsPort}`,
    deviceHttp: `http://${publicName}:${deviceHttpPort}`,
    admin: `https://${publicName}:${adminPort}`,
  };
}
