/** Unmanaged CAs as programs read them, from the management API and the command line alike. */
import { z } from 'zod';
import { certificateSchema } from '../certificates/describe.js';
import { describeCertificates } from '../certificates/find.js';
import { alternativeNamesOf } from '../enrollment/searchable-names.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import type { UnmanagedCertificateRecord } from '../store/unmanaged-certificate-repository.js';
import { decodeCertificate } from '../x509/certificate.js';
import { revocationReasonOf } from '../x509/crl.js';
import { toPem } from '../x509/pem.js';
import { certificatesOf } from './find.js';
import { branchStatuses, createBranchStatus, statusOfCa, unmanagedCaStatuses } from './status.js';

const time = z.iso.datetime();

const watchedCrlSchema = z
  .strictObject({
    url: z.string(),
    state: z
      .enum(['fresh', 'late', 'unreachable', 'bad'])
      .nullable()
      .describe('`late`: past its nextUpdate; `bad`: not to be taken for a CRL of this CA; null before the first look'),
    problem: z.string().nullable().describe('what was wrong at the last look'),
    checkedAt: time.nullable(),
    thisUpdate: time.nullable(),
    nextUpdate: time.nullable(),
    number: z.string().nullable().describe('decimal'),
  })
  .meta({ id: 'WatchedCrl' });

export const unmanagedCaSchema = z
  .strictObject({
    id: z.string(),
    subject: z.string().describe('RFC 4514 text, of its first certificate'),
    status: z.enum(unmanagedCaStatuses).describe('`valid`: at least one of its certificates is'),
    division: z.string().nullable(),
    device: z.string().nullable().describe('the name of the gateway that holds it'),
    deviceId: z.string().nullable(),
    notAfter: time.nullable().describe('the end of the last of its certificates'),
    createdAt: time,
    crl: watchedCrlSchema.nullable().describe('its CRL, where that is watched'),
  })
  .meta({ id: 'UnmanagedCa' });
export type UnmanagedCaJson = z.output<typeof unmanagedCaSchema>;

export const unmanagedCaWithCertificatesSchema = z
  .strictObject({
    ...unmanagedCaSchema.shape,
    certificates: z.array(certificateSchema).describe('its own: the first one and its renewals, the latest first'),
    reported: z.int().describe('how many certificates it has reported that it issued'),
  })
  .meta({ id: 'UnmanagedCaWithCertificates' });
type UnmanagedCaWithCertificatesJson = z.output<typeof unmanagedCaWithCertificatesSchema>;

export const unmanagedCertificateSchema = z
  .strictObject({
    serialNumber: z.string().describe('lower-case hex'),
    status: z
      .enum(branchStatuses)
      .describe(
        '`issuer-…`: by the state of the certificate of the CA that has issued it, or of one above, whatever its own',
      ),
    subject: z.string().describe('RFC 4514 text'),
    subjectAltNames: z.array(z.string()).describe('each its type, a colon, its value'),
    notBefore: time,
    notAfter: time,
    revokedAt: time.nullable(),
    revocationReason: z.string().nullable().describe('as RFC 5280 5.3.1 calls it'),
    fingerprint: z.string().describe('SHA-256, lower-case hex'),
    certificate: z.string().describe('PEM'),
    reportedAt: time,
  })
  .meta({ id: 'UnmanagedCertificate' });
type UnmanagedCertificateJson = z.output<typeof unmanagedCertificateSchema>;

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog' | 'authority'>;

export async function describeUnmanagedCa(record: UnmanagedCaRecord, services: Services): Promise<UnmanagedCaJson> {
  return await describeWith(record, await certificatesOf(record, services.store), services);
}

export async function describeWithCertificates(
  record: UnmanagedCaRecord,
  services: Services,
): Promise<UnmanagedCaWithCertificatesJson> {
  const { store } = services;
  const certificates = await certificatesOf(record, store);
  const reported = await store.unmanagedCertificates.countOf({ unmanagedCaId: record.id });
  return {
    ...(await describeWith(record, certificates, services)),
    certificates: await describeCertificates(certificates, services),
    reported: reported?.count ?? 0,
  };
}

/** In their order. */
export async function describeIssued(
  record: UnmanagedCaRecord,
  issued: readonly UnmanagedCertificateRecord[],
  services: Services,
): Promise<UnmanagedCertificateJson[]> {
  const branchStatus = createBranchStatus(await certificatesOf(record, services.store), services);
  return issued.map((certificate) => {
    const { serialNumber, subject, notBefore, notAfter, revocationReason: reason, der } = certificate;
    return {
      serialNumber,
      status: branchStatus(certificate),
      subject,
      subjectAltNames: alternativeNamesOf(decodeCertificate(der).extensions),
      notBefore: timeText(notBefore),
      notAfter: timeText(notAfter),
      revokedAt: timeTextOrNull(certificate.revokedAt),
      revocationReason: reason === null ? null : (revocationReasonOf(reason) ?? null),
      fingerprint: certificate.fingerprint,
      certificate: toPem('CERTIFICATE', der),
      reportedAt: timeText(certificate.reportedAt),
    };
  });
}

async function describeWith(
  record: UnmanagedCaRecord,
  certificates: readonly CertificateRecord[],
  services: Services,
): Promise<UnmanagedCaJson> {
  const { id, subject, division, deviceId, createdAt } = record;
  const device = deviceId === null ? undefined : await services.store.devices.findById({ id: deviceId });
  const ends = certificates.map(({ notAfter }) => notAfter);
  return {
    id,
    subject,
    status: statusOfCa(certificates, services),
    division: division || null,
    device: device?.name ?? null,
    deviceId,
    notAfter: ends.length === 0 ? null : timeText(Math.max(...ends)),
    createdAt: timeText(createdAt),
    crl: describeCrl(record, services.clock.now()),
  };
}

function describeCrl(record: UnmanagedCaRecord, now: Date): UnmanagedCaJson['crl'] {
  const { crlUrl: url, crlState, crlProblem: problem, crlNumber: number, crlNextUpdate } = record;
  if (url === null) return null;
  const isLate = crlState === 'fresh' && crlNextUpdate !== null && crlNextUpdate < now.getTime();
  return {
    url,
    state: isLate ? 'late' : crlState,
    problem,
    checkedAt: timeTextOrNull(record.crlCheckedAt),
    thisUpdate: timeTextOrNull(record.crlThisUpdate),
    nextUpdate: timeTextOrNull(crlNextUpdate),
    number,
  };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeTextOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timeText(milliseconds);
}
