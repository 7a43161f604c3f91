/** A key store on a PKCS#11 token. */
import { GatewayError } from '../../errors.js';
import type { Pkcs11StoreConfig } from '../../model/key-store.js';
import { KeyStoreAwayError } from '../outage.js';
import type { KeyStoreAccess } from '../remote-key-store.js';
import type { Pkcs11Connection } from './connection.js';
import { type TokenAddress, TokenError, type TokenOperation, type TokenResult } from './messages.js';
import { finishSignature, tokenSignature } from './signature-form.js';

export interface Pkcs11AccessOptions {
  readonly name: string;
  readonly config: Pkcs11StoreConfig;
  readonly connection: Pick<Pkcs11Connection, 'call' | 'close'>;
  /** 256 bits; keyed hashes of PINs are made with it. */
  readonly pinKey: Uint8Array;
  /** Keeps the keyed hash, hex, of the PIN that the token has refused, beyond the end of this process. */
  readonly refusedPins: {
    find(store: string): Promise<string | undefined>;
    put(store: string, keyedHash: string): Promise<void>;
  };
}

export function createPkcs11Access({
  name,
  config,
  connection,
  pinKey,
  refusedPins,
}: Pkcs11AccessOptions): KeyStoreAccess {
  const { tokenLabel, tokenSerial, pinFile, pinVariable, sessions } = config;
  const found = {
    ...(tokenLabel === undefined ? {} : { tokenLabel }),
    ...(tokenSerial === undefined ? {} : { tokenSerial }),
    ...(pinFile === undefined ? {} : { pinFile }),
    ...(pinVariable === undefined ? {} : { pinVariable }),
  };
  let refusedPin: Promise<string | undefined> | undefined;

  async function call(operation: TokenOperation): Promise<TokenResult> {
    refusedPin ??= refusedPins.find(name);
    const address: TokenAddress = { ...found, name, sessions, pinKey, refusedPin: await refusedPin };
    try {
      return await connection.call(address, operation);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (error.refusedPin !== undefined) {
        refusedPin = Promise.resolve(error.refusedPin);
        await refusedPins.put(name, error.refusedPin);
      }
      throw translated(error);
    }
  }

  async function octetsOf(operation: TokenOperation): Promise<Uint8Array> {
    const { octets } = await call(operation);
    if (octets === undefined) throw new KeyStoreAwayError('the token gave no answer to what it was asked');
    return Uint8Array.from(octets);
  }

  return {
    async create(id, type, purpose) {
      const reference = id.replaceAll('-', '');
      const label = `${labelPrefix}${purpose}`;
      const publicKey = await octetsOf({ kind: 'create', id: idOf(reference), type, label });
      return { reference, publicKey };
    },
    async find(reference) {
      if (!/^([0-9a-f]{2}){1,64}$/.test(reference)) {
        throw new GatewayError('not-found', 'a key of a token is named by its CKA_ID, in lower-case hex');
      }
      return { reference, publicKey: await octetsOf({ kind: 'find', id: idOf(reference) }) };
    },
    sign: (reference) => async (algorithm, data) => {
      const signature = tokenSignature(algorithm, data);
      return finishSignature(algorithm, await octetsOf({ kind: 'sign', id: idOf(reference), signature }));
    },
    async destroy(reference) {
      await call({ kind: 'destroy', id: idOf(reference) });
    },
    async look() {
      const { detail = '' } = await call({ kind: 'probe' });
      const { keys = [] } = await call({ kind: 'list', labelPrefix });
      return { detail, keys: keys.map(({ id, label }) => ({ reference: id, purpose: label })) };
    },
    close: () => connection.close(),
  };
}

/** Of the keys that gateways have made. */
const labelPrefix = 'gatehouse ';

function idOf(reference: string): Uint8Array {
  return Buffer.from(reference, 'hex');
}

function translated({ kind, message }: TokenError): Error {
  switch (kind) {
    case 'away':
    case 'pin':
    case 'fault':
      return new KeyStoreAwayError(message);
    case 'full':
      return new GatewayError('unavailable', `${message}: remove keys that are not needed, or name another key store`);
    case 'unsupported':
      return new GatewayError('unsupported-algorithm', message);
    case 'no-key':
      return new GatewayError('not-found', message);
  }
}
