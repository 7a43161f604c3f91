/**
 * The master key: what everything sealed in the database depends on. It stands there itself, sealed under the
 * key-encryption key, so that another of those changes one row and nothing else.
 */
import { hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import type { Stretching } from './kek-source.js';
import { intoSecretKey } from './kek-source.js';
import { KeyEncryptionKeyError } from './key-encryption-key-error.js';
import { keyBytes } from './key-file.js';
import { createSealing } from './sealing.js';

/** The row of `meta` that has it. */
export const masterKeyName = 'master-key';

export type WrappedMasterKey = z.output<typeof wrappedSchema>;

/** @throws KeyEncryptionKeyError when the row cannot be read */
export function parseWrapped(row: string): WrappedMasterKey {
  try {
    return wrappedSchema.parse(JSON.parse(row));
  } catch {
    throw damaged();
  }
}

/** The row: the master key under a key-encryption key, and how that is made where it is a passphrase. */
export function wrapMasterKey(master: KeyObject, kek: KeyObject, stretching: Stretching | undefined): string {
  const plaintext = master.export();
  const sealed = createSealing(deriveKey(kek, 'master-key')).seal(masterKeyName, plaintext);
  plaintext.fill(0);
  const wrapped: WrappedMasterKey = {
    check: toHex(deriveOctets(kek, 'master-key-check')),
    sealed: toHex(sealed),
    ...(stretching === undefined ? {} : { stretching }),
  };
  return JSON.stringify(wrapped);
}

/**
 * @param described what was tried, for the message
 * @throws KeyEncryptionKeyError for another key-encryption key, and for a row that was damaged
 */
export function unwrapMasterKey({ check, sealed }: WrappedMasterKey, kek: KeyObject, described: string): KeyObject {
  if (!timingSafeEqual(Buffer.from(check, 'hex'), deriveOctets(kek, 'master-key-check'))) {
    throw wrongKey(described);
  }
  try {
    return intoSecretKey(createSealing(deriveKey(kek, 'master-key')).open(masterKeyName, Buffer.from(sealed, 'hex')));
  } catch (error) {
    if (error instanceof GatewayError) throw damaged();
    throw error;
  }
}

export function wrongKey(described: string): KeyEncryptionKeyError {
  return new KeyEncryptionKeyError(
    `the key-encryption key does not fit this database: ${described} is not what it was sealed with`,
  );
}

/** A key of its own for each purpose. */
export function deriveKey(key: KeyObject, purpose: string): KeyObject {
  return intoSecretKey(deriveOctets(key, purpose));
}

export function deriveOctets(key: KeyObject, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), `gatehouse ${purpose}`, keyBytes));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

const hex = z.string().regex(/^([0-9a-f]{2})+$/);

const wrappedSchema = z.strictObject({
  /** Tells another key-encryption key from a damaged row. */
  check: hex.length(2 * keyBytes),
  sealed: hex.max(1000),
  /** How the key-encryption key is made of a passphrase; absent where it is a key. Bounded, so that it cannot take for ever. */
  stretching: z
    .strictObject({
      salt: hex.max(200),
      cost: z
        .int()
        .min(2)
        .max(2 ** 20),
      blockSize: z.int().min(1).max(32),
      parallelization: z.int().min(1).max(16),
    })
    .optional(),
});

function damaged(): KeyEncryptionKeyError {
  return new KeyEncryptionKeyError(
    'the master key in the database is damaged, and nothing that is sealed opens without it: restore a backup',
  );
}
