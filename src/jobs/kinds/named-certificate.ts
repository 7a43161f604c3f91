/** Certificates that rows of a job name. */
import { z } from 'zod';
import type { EnrollmentServices } from '../../enrollment/services.js';
import { GatewayError } from '../../errors.js';
import type { CertificateRecord } from '../../store/certificate-record.js';

const hexSchema = z.string().regex(/^[0-9a-f]+$/, 'lower-case hex is expected, without colons');

/** Of a row: either issuer and serial number, or the fingerprint. */
export const namedFields = {
  issuer: z.string().optional(),
  serialNumber: hexSchema.optional(),
  fingerprint: hexSchema.length(64, 'a SHA-256 fingerprint is 64 digits').optional(),
} as const;

export const namedColumns = [
  { name: 'issuer', meaning: 'the CA generation that issued it, such as quickstart-ec-1; with serialNumber' },
  { name: 'serialNumber', meaning: 'in lower-case hex' },
  {
    name: 'fingerprint',
    meaning: 'SHA-256 of the certificate in lower-case hex, in place of issuer and serialNumber',
  },
] as const;

interface NamedCertificate {
  readonly issuer?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly fingerprint?: string | undefined;
}

/** @throws GatewayError `unknown-certificate`, also for one of another division */
export async function findNamedCertificate(
  { issuer = '', serialNumber = '', fingerprint }: NamedCertificate,
  division: string,
  { store: { certificates }, catalog }: Pick<EnrollmentServices, 'store' | 'catalog'>,
): Promise<CertificateRecord> {
  const record =
    fingerprint === undefined
      ? await certificates.findByIssuerAndSerial(issuer, serialNumber)
      : await certificates.findBySha256({ certificateFingerprint: fingerprint });
  if (record !== undefined && catalog().policies.get(record.policy)?.policy.division === division) return record;
  throw new GatewayError('unknown-certificate', 'no such certificate of the division is on record');
}
