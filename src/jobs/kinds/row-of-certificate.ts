/** Rows that end with a certificate, and what the options of their jobs say of its key. */
import type { z } from 'zod';
import type { EnrollmentResult } from '../../enrollment/result.js';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError, HttpError } from '../../errors.js';
import { generatedKeyTypeSchema } from '../../model/key-constraints.js';
import { decodeCertificate, fingerprint } from '../../x509/certificate.js';
import { formatName } from '../../x509/names.js';
import { archiveOptionsSchema, prepareProtection } from '../archive/protection.js';
import type { PreparedJob, RowResult } from '../job-kind.js';

/** Options of keys that the gateway makes. */
export const madeKeyOptions = {
  keyType: generatedKeyTypeSchema.optional().describe("of the keys that the gateway makes; the policy's where absent"),
  archive: archiveOptionsSchema.optional().describe('who can read the keys that the gateway makes: needed for those'),
} as const;

interface MadeKeyOptions {
  readonly keyType?: z.output<typeof madeKeyOptions.keyType>;
  readonly archive?: z.output<typeof madeKeyOptions.archive>;
}

/** @throws HttpError 422 where the keys that the gateway makes have nowhere to go, or others are given what is for those */
export function requireMadeKeysFit(keys: string, { archive, keyType }: MadeKeyOptions): void {
  if (keys === 'gateway' && archive === undefined) {
    throw unfit('keys that the gateway makes need archive, with a recipient or a password that protects them');
  }
  if (keys !== 'gateway' && (archive !== undefined || keyType !== undefined)) {
    throw unfit('archive and keyType are for keys that the gateway makes; leave them out');
  }
}

export function unfit(message: string): HttpError {
  return new HttpError(422, 'malformed-request', message);
}

/** Makes the keys that protect the archive of a job, and takes what protects it out of the options. */
export async function prepareArchive<Options extends MadeKeyOptions>(
  options: Options,
  jobId: string,
  { clock, sealing }: Pick<EnrollmentServices, 'clock' | 'sealing'>,
): Promise<PreparedJob<Omit<Options, 'archive'>>> {
  const { archive, ...kept } = options;
  if (archive === undefined) return { options: kept };
  return { options: kept, ...(await prepareProtection(archive, { jobId, now: clock.now(), sealing })) };
}

/** @throws GatewayError `invalid-state` for a request that would wait: no row does */
export function rowResult(result: EnrollmentResult): RowResult {
  // The policy was changed since the job was submitted. Thrown before the commit, so that nothing waits.
  if (result.outcome === 'pending') {
    throw new GatewayError(
      'invalid-state',
      'the policy wants people to approve requests, which rows of a job cannot wait for',
    );
  }
  const { certificate, serialNumber, device, generatedKey } = result;
  const { subject, notAfter } = decodeCertificate(certificate);
  return {
    values: {
      issuedTo: device ?? '',
      issuedSubject: formatName(subject),
      serialNumber,
      validUntil: notAfter.toISOString().replace(/\.\d+Z$/, 'Z'),
      fingerprint: fingerprint(certificate),
    },
    certificate,
    ...(generatedKey === undefined ? {} : { privateKey: generatedKey.pkcs8 }),
  };
}

/** The key is sealed by then, and nobody else needs it. */
export function wipeKey(result: EnrollmentResult): void {
  if (result.outcome === 'issued') result.generatedKey?.pkcs8.fill(0);
}
