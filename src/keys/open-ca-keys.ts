/** Opens the key stores of CAs that the settings name; nothing is connected to before a key is needed. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { KeyStoreConfig, Pkcs11StoreConfig } from '../model/key-store.js';
import type { OutboundClient } from '../outbound/outbound-client.js';
import type { Store } from '../store/store.js';
import { type CaKeyStore, type CaKeys, createCaKeys } from './ca-keys.js';
import { createHttpAccess } from './http-key-store.js';
import type { KeyEncryptionKey } from './key-encryption-key.js';
import { createOutage, type KeyStoreObserver } from './outage.js';
import { createPkcs11Connection, type Pkcs11Connection } from './pkcs11/connection.js';
import { createPkcs11Access } from './pkcs11/pkcs11-key-store.js';
import { createRefusedPins } from './pkcs11/refused-pins.js';
import { createRemoteKeyStore, type KeyStoreAccess } from './remote-key-store.js';
import { createSoftwareCaKeys } from './software-ca-keys.js';
import type { SoftwareKeyStore } from './software-key-store.js';

interface OpenCaKeysOptions {
  /** By name, as the settings have them. */
  readonly configs: Readonly<Record<string, KeyStoreConfig>>;
  readonly software: SoftwareKeyStore;
  readonly store: Pick<Store, 'keys' | 'meta' | 'commit'>;
  readonly kek: KeyEncryptionKey;
  readonly outbound: Pick<OutboundClient, 'request'>;
  readonly clock: Clock;
  readonly observer: KeyStoreObserver;
}

export function openCaKeys(options: OpenCaKeysOptions): CaKeys {
  const { configs, software, store, clock, observer } = options;
  const connect = createConnections(configs);
  const remote = Object.entries(configs).map(([name, config]): CaKeyStore => {
    const access = accessTo(name, config, options, connect);
    const outage = createOutage(name, clock, observer);
    return createRemoteKeyStore({ name, access, keys: store.keys, createId: randomUUID, clock, outage, observer });
  });
  return createCaKeys({ keys: store.keys, stores: [createSoftwareCaKeys({ software, keys: store.keys }), ...remote] });
}

function accessTo(
  name: string,
  config: KeyStoreConfig,
  { kek, store, outbound }: OpenCaKeysOptions,
  connect: (config: Pkcs11StoreConfig) => Pkcs11Connection,
): KeyStoreAccess {
  if (config.kind === 'http') return createHttpAccess({ config, outbound });
  const pinKey = Uint8Array.from(kek.derive('pins').export());
  return createPkcs11Access({
    name,
    config,
    connection: connect(config),
    pinKey,
    refusedPins: createRefusedPins(store),
  });
}

/** Stores of one library share its process: vendors' libraries are loaded once on a machine as well as they can be. */
function createConnections(configs: Readonly<Record<string, KeyStoreConfig>>) {
  const connections = new Map<string, Pkcs11Connection>();
  return ({ module }: Pkcs11StoreConfig): Pkcs11Connection => {
    const sessions = Object.values(configs).map((each) =>
      each.kind === 'pkcs11' && each.module === module ? each.sessions : 0,
    );
    const connection =
      connections.get(module) ??
      createPkcs11Connection(
        module,
        sessions.reduce((sum, count) => sum + count, 0),
      );
    connections.set(module, connection);
    return connection;
  };
}
