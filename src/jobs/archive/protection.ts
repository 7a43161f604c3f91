/** How the keys in a job's archive are protected on their way to their owner. */
import { z } from 'zod';
import { deriveKeyForPrivateKeys } from '../../cms/encrypted-private-key.js';
import { isUsablePassword } from '../../cms/pbes2.js';
import type { Sealing } from '../../keys/sealing.js';
import { makeJobKeys } from './job-keys.js';
import { checkRecipient } from './recipient.js';

/** As it is asked for. */
export const archiveOptionsSchema = z.union([
  z.strictObject({
    recipient: z
      .string()
      .max(65_536)
      .describe(
        'PEM certificate (RSA of 2048 bits or more, or EC): the whole archive is CMS EnvelopedData for its key',
      ),
  }),
  z.strictObject({
    password: z
      .string()
      .min(12, 'a password has at least 12 characters')
      .max(255)
      .refine(isUsablePassword, 'a password has no NUL and no half of a surrogate pair')
      .describe('each key file is encrypted under it with PBES2; it is not kept'),
  }),
]);
export type ArchiveOptions = z.output<typeof archiveOptionsSchema>;

const storedProtectionSchema = z.discriminatedUnion('kind', [
  /** `certificate`: PEM. */
  z.strictObject({ kind: z.literal('recipient'), certificate: z.string() }),
  /** `derivation`: DER AlgorithmIdentifier of PBKDF2, hex; the key that it has given is one of the job's. */
  z.strictObject({ kind: z.literal('password'), derivation: z.string() }),
]);
/** As the job keeps it: no secrets. */
export type StoredProtection = z.output<typeof storedProtectionSchema>;

export function readProtection(json: string): StoredProtection {
  return storedProtectionSchema.parse(JSON.parse(json));
}

/** What a job keeps of its protection: JSON text, and its keys, sealed. */
export interface PreparedProtection {
  readonly archive: string;
  readonly sealedJobKey: Uint8Array;
}

/**
 * Makes the keys of a new job. A password is slow to guess at once and for all: one salt for the job's keys.
 * @throws HttpError 422 for a recipient that keys cannot be sent to
 */
export async function prepareProtection(
  options: ArchiveOptions,
  { jobId, now, sealing }: { readonly jobId: string; readonly now: Date; readonly sealing: Pick<Sealing, 'seal'> },
): Promise<PreparedProtection> {
  if ('recipient' in options) {
    checkRecipient(options.recipient, now);
    return stored({ kind: 'recipient', certificate: options.recipient }, makeJobKeys(jobId, undefined, sealing));
  }
  const { derivation, key } = await deriveKeyForPrivateKeys(options.password);
  const sealedJobKey = makeJobKeys(jobId, key, sealing);
  key.fill(0);
  return stored({ kind: 'password', derivation: Buffer.from(derivation).toString('hex') }, sealedJobKey);
}

function stored(protection: StoredProtection, sealedJobKey: Uint8Array): PreparedProtection {
  return { archive: JSON.stringify(protection), sealedJobKey };
}
