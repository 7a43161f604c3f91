/** Certificates as programs read them, from the management API and the command line alike. */
import { z } from 'zod';
import { alternativeNamesOf } from '../enrollment/searchable-names.js';
import { profileUsages } from '../model/policy.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { FoundCertificate } from '../store/certificate-search.js';
import type { Store } from '../store/store.js';
import { decodeCertificate } from '../x509/certificate.js';
import { revocationReasonOf } from '../x509/crl.js';
import { DerError } from '../x509/der.js';
import { shownStatuses, statusOf } from './status.js';

const time = z.iso.datetime();
const timeOrNull = time.nullable();
const fingerprint = z.string().describe('SHA-256, lower-case hex');

export const certificateSchema = z
  .strictObject({
    id: z.string().describe('the issuing CA generation, a colon, and the serial number'),
    issuer: z.string().describe('the generation of the CA that signed it'),
    serialNumber: z.string().describe('lower-case hex'),
    status: z
      .enum(shownStatuses)
      .describe('`expired`: valid until its end; `unconfirmed`: revoked unless its requester confirms it in time'),
    subject: z.string().describe('RFC 4514 text'),
    subjectAltNames: z.array(z.string()).describe('each its type, a colon, its value'),
    division: z
      .string()
      .nullable()
      .describe('of its policy; null for CAs, the gateway itself, and policies that are gone'),
    device: z.string().nullable().describe('the name of its device'),
    deviceId: z.string().nullable(),
    policy: z.string().nullable(),
    profile: z.string().nullable(),
    usage: z.enum([...profileUsages, 'service']).describe('`service`: of a CA, or of the gateway itself'),
    protocol: z.string().nullable(),
    requester: z.string().nullable().describe('who has asked for it'),
    requestId: z.string().describe('of the request that it answers'),
    issuedAt: time,
    notBefore: time,
    notAfter: time,
    confirmBy: timeOrNull.describe('until when its requester has to confirm it'),
    revokedAt: timeOrNull.describe('when it was revoked or put on hold'),
    revocationReason: z.string().nullable().describe('as RFC 5280 5.3.1 calls it'),
    invalidityDate: timeOrNull.describe('since when its key is suspected'),
    replaceBy: timeOrNull.describe('until when it is to be replaced, where that is planned'),
    replaces: z.string().nullable().describe('the id of the certificate that it renewed'),
    supplantedBy: z
      .string()
      .nullable()
      .describe('the id of the one that has taken its place, or will once it is confirmed'),
    fingerprint,
    keyFingerprint: fingerprint.describe('SHA-256 of the SubjectPublicKeyInfo, lower-case hex'),
  })
  .meta({ id: 'Certificate' });
export type CertificateJson = z.output<typeof certificateSchema>;

interface Surroundings {
  /** The name of its device. */
  readonly device: string | null;
  readonly division: string | null;
  readonly now: Date;
}

export function certificateJson(record: FoundCertificate, { device, division, now }: Surroundings): CertificateJson {
  const { deviceId, policy, profile, protocol, requester } = record;
  return {
    ...certificateOutline(record, now),
    subjectAltNames: alternativeNamesIn(record),
    division,
    device,
    deviceId,
    policy: policy || null,
    profile: profile || null,
    protocol: protocol || null,
    requester: requester || null,
    requestId: record.requestId,
    confirmBy: timeTextOrNull(record.confirmBy),
    revokedAt: timeTextOrNull(record.revokedAt),
    revocationReason: reasonOf(record),
    invalidityDate: timeTextOrNull(record.invalidityDate),
    replaceBy: timeTextOrNull(record.replaceBy),
    replaces: record.replaces,
    supplantedBy: record.supplantedBy,
    fingerprint: record.certificateFingerprint,
    keyFingerprint: record.keyFingerprint,
  };
}

/** What is said of a certificate wherever it is said at all. */
export function certificateOutline(record: CertificateRecord, now: Date) {
  const { id, issuerId, serialNumber, subject, usage, issuedAt, notBefore, notAfter } = record;
  return {
    id,
    issuer: issuerId,
    serialNumber,
    status: statusOf(record, now),
    subject,
    usage,
    issuedAt: timeText(issuedAt),
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
  };
}

/** As CRLs have it; null while it is not revoked. */
export function reasonOf({ revocationReason }: Pick<CertificateRecord, 'revocationReason'>): string | null {
  return revocationReason === null ? null : (revocationReasonOf(revocationReason) ?? null);
}

/** Names of the devices of certificates, by the devices' ids. */
export async function deviceNames(
  records: readonly Pick<CertificateRecord, 'deviceId'>[],
  { devices }: Pick<Store, 'devices'>,
): Promise<ReadonlyMap<string, string>> {
  const ids = new Set(records.map(({ deviceId }) => deviceId).filter((id) => id !== null));
  const found = await Promise.all([...ids].map((id) => devices.findById({ id })));
  return new Map(found.filter((device) => device !== undefined).map(({ id, name }) => [id, name]));
}

/** What was put on record for a certificate by somebody else may be none. */
function alternativeNamesIn({ der }: CertificateRecord): string[] {
  try {
    return alternativeNamesOf(decodeCertificate(der).extensions);
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeTextOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timeText(milliseconds);
}
