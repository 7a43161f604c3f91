/** Where the key-encryption key comes from: a file, the environment, or a passphrase that scrypt stretches. */
import { createSecretKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { KeyEncryptionKeyError } from './key-encryption-key-error.js';
import { keyBytes, readKeyFile, readPassphraseFile } from './key-file.js';

export type KekSource =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string; readonly key: KeyObject }
  | { readonly kind: 'passphrase'; readonly file: string };

/** How a passphrase is stretched (RFC 7914): kept in the clear beside what it opens. */
export interface Stretching {
  /** Lower-case hex. */
  readonly salt: string;
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

export function newStretching(): Stretching {
  return { salt: randomBytes(16).toString('hex'), cost: 2 ** 17, blockSize: 8, parallelization: 1 };
}

/** For messages: which one it is, never what it is. */
export function describeSource(source: KekSource): string {
  switch (source.kind) {
    case 'file':
      return `the key-encryption key ${source.file}`;
    case 'environment':
      return `the key-encryption key in ${source.variable}`;
    case 'passphrase':
      return `the passphrase in ${source.file}`;
  }
}

/**
 * 256 bits in hex or base64, as a variable has them.
 * @throws KeyEncryptionKeyError that does not tell the value
 */
export function parseKek(variable: string, text: string): KekSource {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/]{43}=$/.test(text)
      ? Buffer.from(text, 'base64')
      : undefined;
  if (bytes === undefined) {
    throw new KeyEncryptionKeyError(
      `${variable} must be ${keyBytes} octets in hex or base64, as 'openssl rand -hex ${keyBytes}' makes them`,
    );
  }
  return { kind: 'environment', variable, key: intoSecretKey(bytes) };
}

/**
 * @param stretching for a passphrase, how it was stretched when the database was sealed
 * @param isNew nothing depends on it yet
 * @throws KeyEncryptionKeyError when it cannot be read, or is of another kind than the database wants
 */
export async function readKek(
  source: KekSource,
  stretching: Stretching | undefined,
  isNew: boolean,
): Promise<KeyObject> {
  if ((source.kind === 'passphrase') !== (stretching !== undefined)) {
    throw new KeyEncryptionKeyError(
      stretching === undefined
        ? `this database is sealed with a key, not with a passphrase: give GATEHOUSE_KEK_FILE or GATEHOUSE_KEK instead of ${describeSource(source)}`
        : 'this database is sealed with a passphrase: put it into a file, and set GATEHOUSE_KEK_PASSPHRASE_FILE to it',
    );
  }
  if (source.kind === 'environment') return source.key;
  if (stretching === undefined) return intoSecretKey(await readKeyFile(source.file, isNew));
  return await stretch(await readPassphraseFile(source.file), stretching);
}

/** Takes the bytes over: they are wiped, and the key object does not show them when it is printed. */
export function intoSecretKey(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function stretch(passphrase: Uint8Array, { salt, cost, blockSize, parallelization }: Stretching): Promise<KeyObject> {
  const costs = { N: cost, r: blockSize, p: parallelization, maxmem: 256 * cost * blockSize };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.from(salt, 'hex'), keyBytes, costs, (error, key) => {
      passphrase.fill(0);
      if (error === null) resolve(intoSecretKey(key));
      else reject(new KeyEncryptionKeyError('the passphrase cannot be stretched', { cause: error }));
    });
  });
}
