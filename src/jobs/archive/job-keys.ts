/**
 * The keys of a job whose certificates have keys made by the gateway. Each private key is sealed under a key of the job's own,
 * so that all are gone at once when that one is destroyed.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { createSealing, type Sealing } from '../../keys/sealing.js';

export interface JobKeys {
  /** @param pkcs8 DER */
  sealRowKey(row: number, pkcs8: Uint8Array): Uint8Array;
  /** DER PKCS #8. @throws GatewayError 'internal' for what was sealed for another row or job */
  openRowKey(row: number, sealed: Uint8Array): Uint8Array;
  /** AES-256 key that the archive's password gave, where it has one. */
  readonly passwordKey?: Uint8Array;
}

/**
 * Makes the keys of a new job, sealed under the key-encryption key.
 * @param passwordKey what the archive's password gave: it is destroyed with the rest
 */
export function makeJobKeys(
  jobId: string,
  passwordKey: Uint8Array | undefined,
  sealing: Pick<Sealing, 'seal'>,
): Uint8Array {
  const secret = Buffer.concat([randomBytes(keyLength), passwordKey ?? new Uint8Array(0)]);
  const sealed = sealing.seal(contextOf(jobId), secret);
  secret.fill(0);
  return sealed;
}

/** @throws GatewayError 'internal' where they are another job's, or sealed under another key-encryption key */
export function openJobKeys(jobId: string, sealed: Uint8Array, sealing: Pick<Sealing, 'open'>): JobKeys {
  const secret = sealing.open(contextOf(jobId), sealed);
  const rows = createSealing(createSecretKey(secret.subarray(0, keyLength)));
  secret.fill(0, 0, keyLength);
  return {
    sealRowKey: (row, pkcs8) => rows.seal(`${contextOf(jobId)}:${row}`, pkcs8),
    openRowKey: (row, sealedKey) => rows.open(`${contextOf(jobId)}:${row}`, sealedKey),
    ...(secret.length === keyLength ? {} : { passwordKey: secret.subarray(keyLength) }),
  };
}

const keyLength = 32;

function contextOf(jobId: string): string {
  return `job:${jobId}`;
}
