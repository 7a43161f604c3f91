/** What key stores outside of the gateway have in common: rows that refer to their keys, and keys that prove themselves. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import type { KeyRecord, KeyRepository } from '../store/key-repository.js';
import type { CaKeyStore, NewCaKey } from './ca-keys.js';
import { generatedTypeOf } from './key-type.js';
import type { KeyStoreObserver, Outage } from './outage.js';
import { createVerifiedSigner, type RemoteSign, tryOut } from './verified-signer.js';

/** A key in the store, found by a reference that only the store understands. */
interface RemoteKey {
  readonly reference: string;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** What differs. Each throws KeyStoreAwayError where the store cannot be used, and GatewayError as CaKeyStore says. */
export interface KeyStoreAccess {
  /** Makes a key under an id that no key had before. */
  create(id: string, type: GeneratedKeyType, purpose: string): Promise<RemoteKey>;
  find(reference: string): Promise<RemoteKey>;
  sign(reference: string): RemoteSign;
  destroy(reference: string): Promise<void>;
  /** What it is, in words, and the references of keys that this gateway made, with what they are for. */
  look(): Promise<{ readonly detail: string; readonly keys: readonly { reference: string; purpose: string }[] }>;
  close(): Promise<void>;
}

export interface RemoteKeyStoreOptions {
  readonly name: string;
  readonly access: KeyStoreAccess;
  readonly keys: Pick<KeyRepository, 'insert' | 'remove' | 'findByStore'>;
  readonly createId: () => string;
  readonly clock: Clock;
  readonly outage: Outage;
  readonly observer: KeyStoreObserver;
}

export function createRemoteKeyStore(options: RemoteKeyStoreOptions): CaKeyStore {
  const { name, access, keys, createId, clock, outage, observer } = options;
  const refusals = new Map<string, { readonly error: GatewayError; readonly at: number }>();

  /** A discarded key must not make a failure of another one of the store's. */
  async function destroy(reference: string): Promise<void> {
    await outage.guard(() => access.destroy(reference)).catch(() => undefined);
  }

  function signerOf(id: string, { reference, publicKey }: RemoteKey) {
    const sign = access.sign(reference);
    return createVerifiedSigner(name, id, publicKey, (algorithm, data) =>
      outage
        .guard(() => sign(algorithm, data))
        .catch((error) => {
          throw withoutDetail(id, error);
        }),
    );
  }

  function keep(id: string, key: RemoteKey, type: string, purpose: string): NewCaKey {
    const statement = keys.insert({
      id,
      purpose,
      algorithm: type,
      publicKey: key.publicKey,
      store: name,
      sealed: Buffer.from(JSON.stringify({ reference: key.reference })),
      createdAt: clock.now().getTime(),
    });
    return { signer: signerOf(id, key), statement, discard: () => destroy(key.reference) };
  }

  /** Keys that were taken over may have another name than those that are listed. */
  async function findMissing(records: readonly KeyRecord[]): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const record of records) {
      await outage
        .guard(() => access.find(referenceOf(record)))
        .catch((error) => {
          if (!(error instanceof GatewayError && error.code === 'not-found')) throw error;
          missing.push(record.purpose);
        });
    }
    return missing;
  }

  async function make(type: GeneratedKeyType, purpose: string): Promise<NewCaKey> {
    const id = createId();
    // Asked first, so that a session that was lost does not count against the key.
    await outage.guard(() => access.look());
    const key = await outage.guard(() => access.create(id, type, purpose));
    try {
      if (generatedTypeOf(key.publicKey) !== type) {
        throw new GatewayError('unavailable', `the key store ${name} made another key than one of type ${type}`);
      }
      const made = keep(id, key, type, purpose);
      await tryOut(made.signer);
      return made;
    } catch (error) {
      await destroy(key.reference);
      throw error;
    }
  }

  return {
    name,

    async create(type, purpose) {
      const earlier = refusals.get(purpose);
      const now = clock.now().getTime();
      if (earlier !== undefined && Math.abs(now - earlier.at) < refusalMilliseconds) throw earlier.error;
      try {
        const made = await make(type, purpose);
        refusals.delete(purpose);
        return made;
      } catch (error) {
        const told = toldToOperator(name, error);
        if (earlier?.error.message !== told.message) observer.refused(name, purpose, told.message);
        refusals.set(purpose, { error: told, at: now });
        throw told;
      }
    },

    async adopt(key, purpose) {
      if (!('reference' in key)) {
        throw new GatewayError(
          'unsupported-operation',
          `keys are not brought into the key store ${name}: refer to one that it has (--key-reference)`,
        );
      }
      const found = await outage
        .guard(() => access.find(key.reference))
        .catch((error) => {
          throw toldToOperator(name, error);
        });
      const adopted = keep(createId(), found, generatedTypeOf(found.publicKey), purpose);
      await tryOut(adopted.signer);
      // It was there before, and stays.
      return { ...adopted, discard: async () => {} };
    },

    signer: async (record) => signerOf(record.id, { reference: referenceOf(record), publicKey: record.publicKey }),

    removal: (record) => ({
      statements: [keys.remove({ id: record.id })],
      after: () => destroy(referenceOf(record)),
    }),

    takeOut: () => {
      throw new GatewayError(
        'unsupported-operation',
        `keys do not leave the key store ${name}: what keeps them there can be taken off the network instead`,
      );
    },

    // Nothing is open of them here.
    forget: () => {},

    async state() {
      try {
        const { detail, keys: present } = await outage.guard(() => access.look());
        const records = await keys.findByStore({ store: name });
        const known = new Set(records.map(referenceOf));
        const orphans = present.filter(({ reference }) => !known.has(reference));
        const unseen = records.filter((record) => !present.some(({ reference }) => reference === referenceOf(record)));
        return {
          reachable: true,
          detail,
          missing: await findMissing(unseen),
          orphans: orphans.map(({ reference, purpose }) => fitForLog(`${reference} (${purpose})`)),
        };
      } catch (error) {
        const detail = outage.reason() ?? (error instanceof Error ? error.message : String(error));
        return { reachable: false, detail, missing: [], orphans: [] };
      }
    },

    close: () => access.close(),
  };
}

/** For so long a refusal stands for those that would follow: who makes missing CAs tries again every second. */
const refusalMilliseconds = 10_000;

/** Who has a key made is an operator, who is told what a device is not. */
function toldToOperator(name: string, error: unknown): GatewayError {
  if (!(error instanceof GatewayError)) throw error;
  const { code, message, cause, retryAfterSeconds } = error;
  const reason = cause instanceof Error ? cause.message : message;
  const told = reason.includes(name) ? reason : `the key store ${name}: ${reason}`;
  return new GatewayError(code, told, { cause, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
}

/** What a token or a service says of a key is for the log: a device can do nothing about it. */
function withoutDetail(id: string, error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.code === 'unavailable' || error.code === 'internal') return error;
  return new GatewayError('internal', 'a key of the gateway cannot be used', {
    cause: new Error(`the key ${id}: ${error.message}`, { cause: error }),
  });
}

function referenceOf({ id, sealed }: KeyRecord): string {
  const { reference }: { reference?: unknown } = JSON.parse(Buffer.from(sealed).toString('utf8'));
  if (typeof reference === 'string') return reference;
  throw new GatewayError('internal', 'a key of the gateway cannot be used', {
    cause: new Error(`the record of the key ${id} does not say where it is`),
  });
}
