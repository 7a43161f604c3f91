/** Reports of gateways of what their CAs have issued: checked as a whole, and put on record in one commit. They authenticate nobody. */
import { setImmediate } from 'node:timers/promises';
import { createAuditRecord } from '../audit/audit-record.js';
import { GatewayError, isRefusal } from '../errors.js';
import { createMinuteCounter } from '../minute-counter.js';
import type {
  CertificateReport,
  ReportContent,
  ReportedRevocation,
  ReportResult,
} from '../model/certificate-report.js';
import type { Statement } from '../store/change.js';
import type { UnmanagedCaRecord } from '../store/unmanaged-ca-repository.js';
import type { UnmanagedCertificateRecord } from '../store/unmanaged-certificate-repository.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import { decoding } from '../x509/decoding.js';
import { formatName } from '../x509/names.js';
import { requireReporter } from './authenticate-reporter.js';
import { findSigner, issuerKeys } from './issuer-keys.js';
import { recordRefusedMessage } from './record.js';
import { isInvalidityDate } from './revocation-reason.js';
import { searchableNames } from './searchable-names.js';
import type { EnrollmentServices } from './services.js';

const reportsPerMinute = 60;
/** Of one CA, on record. */
const maximumCertificates = 100_000;
/** Verified without letting others have their turn: some milliseconds. */
const verifiedAtOnce = 16;

/** @throws GatewayError as `ProtocolServices.reportCertificates` says */
export function createReportCertificates(
  services: EnrollmentServices,
): (report: CertificateReport) => Promise<ReportResult> {
  const reports = createMinuteCounter(services.clock);

  async function take(report: CertificateReport): Promise<ReportResult> {
    const reporter = await requireReporter(report, services);
    const { id } = reporter.unmanagedCa;
    if (reports.count(id) >= reportsPerMinute) {
      throw new GatewayError('rate-limited', `at most ${reportsPerMinute} reports a minute are taken`, {
        retryAfterSeconds: reports.secondsLeft(id),
      });
    }
    reports.add(id);
    return await record(report, reporter, services);
  }

  return async (report) => {
    try {
      return await take(report);
    } catch (error) {
      if (isRefusal(error)) {
        const { remoteAddress, requestId, unmanagedCa } = report;
        const { code, message: reason } = error;
        const message = { protocol: 'rest', operation: `report of ${unmanagedCa.slice(0, 100)}`, code, reason };
        await recordRefusedMessage({ ...message, remoteAddress, requestId }, services);
      }
      throw error;
    }
  };
}

type Reporter = Awaited<ReturnType<typeof requireReporter>>;

async function record(
  { content, remoteAddress, requestId }: CertificateReport,
  { unmanagedCa, certificate }: Reporter,
  services: EnrollmentServices,
): Promise<ReportResult> {
  const { store, clock } = services;
  const now = clock.now();
  const read = content();
  const reported = await readCertificates(read, unmanagedCa, now, services);
  const { added, known } = await sortOut(reported, services);
  await requireRoom(unmanagedCa, added.length, services);
  const revocations = await revocationsOf(read.revoked, unmanagedCa, reported, now, services);
  const result = { recorded: added.length, known, revoked: revocations.length };
  await store.commit({
    statements: [...added.map((each) => store.unmanagedCertificates.insert(each)), ...revocations],
    audit: [
      createAuditRecord({
        id: requestId,
        at: now,
        action: 'unmanaged-ca.reported',
        outcome: 'success',
        subject: unmanagedCa.id,
        device: unmanagedCa.deviceId,
        details: {
          ...result,
          name: unmanagedCa.subject,
          division: unmanagedCa.division || undefined,
          requester: certificate.id,
          remoteAddress,
        },
      }),
    ],
  });
  return result;
}

async function readCertificates(
  { certificates }: ReportContent,
  { id }: UnmanagedCaRecord,
  now: Date,
  { store }: EnrollmentServices,
): Promise<ReadonlyMap<string, UnmanagedCertificateRecord>> {
  const keys = issuerKeys(await store.unmanagedCas.certificatesOf({ unmanagedCaId: id, limit: 1000 }));
  const found = new Map<string, UnmanagedCertificateRecord>();
  for (const [index, der] of certificates.entries()) {
    if (index % verifiedAtOnce === verifiedAtOnce - 1) await setImmediate();
    const reported = readCertificate(der, index, keys);
    const other = found.get(reported.serialNumber);
    if (other !== undefined && other.fingerprint !== reported.fingerprint) throw sameSerial(reported.serialNumber);
    found.set(reported.serialNumber, { ...reported, unmanagedCaId: id, reportedAt: now.getTime() });
  }
  return found;
}

type ReadCertificate = Omit<UnmanagedCertificateRecord, 'unmanagedCaId' | 'reportedAt'>;

function readCertificate(der: Uint8Array, index: number, keys: ReturnType<typeof issuerKeys>): ReadCertificate {
  const field = `certificates.${index}`;
  const { certificate, subject, signer } = decoding(field, () => {
    const decoded = decodeCertificate(der);
    return { certificate: decoded, subject: formatName(decoded.subject), signer: findSigner(decoded, keys) };
  });
  if (signer === undefined) {
    throw new GatewayError('invalid-signature', `${field} is not signed by the CA that reports it`);
  }
  const { serialNumber, extensions, notBefore, notAfter } = certificate;
  // RFC 5280 4.1.2.2.
  if (serialNumber.length > 40)
    throw new GatewayError('malformed-request', `${field} has a serial number of more than 20 octets`);
  return {
    serialNumber,
    issuerKey: signer.fingerprint,
    subject,
    names: searchableNames(extensions),
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    fingerprint: fingerprint(der),
    der: Uint8Array.from(der),
    status: 'valid',
    revokedAt: null,
    revocationReason: null,
  };
}

/** What is new, and how many are on record as they are reported. */
async function sortOut(
  reported: ReadonlyMap<string, UnmanagedCertificateRecord>,
  { store }: EnrollmentServices,
): Promise<{ readonly added: readonly UnmanagedCertificateRecord[]; readonly known: number }> {
  const added: UnmanagedCertificateRecord[] = [];
  for (const certificate of reported.values()) {
    const { unmanagedCaId, serialNumber } = certificate;
    const other = await store.unmanagedCertificates.findBySerial({ unmanagedCaId, serialNumber });
    if (other === undefined) added.push(certificate);
    else if (other.fingerprint !== certificate.fingerprint) throw sameSerial(serialNumber);
  }
  return { added, known: reported.size - added.length };
}

function sameSerial(serialNumber: string): GatewayError {
  return new GatewayError(
    'invalid-state',
    `another certificate with the serial number ${serialNumber} was reported before`,
  );
}

async function requireRoom({ id }: UnmanagedCaRecord, added: number, { store }: EnrollmentServices): Promise<void> {
  if (added === 0) return;
  const counted = await store.unmanagedCertificates.countOf({ unmanagedCaId: id });
  if ((counted?.count ?? 0) + added <= maximumCertificates) return;
  throw new GatewayError('invalid-state', `more than ${maximumCertificates} certificates of one CA are not kept`);
}

async function revocationsOf(
  revoked: readonly ReportedRevocation[],
  { id }: UnmanagedCaRecord,
  reported: ReadonlyMap<string, UnmanagedCertificateRecord>,
  now: Date,
  { store }: EnrollmentServices,
): Promise<readonly Statement[]> {
  const statements: Statement[] = [];
  for (const { serialNumber, revokedAt = now, reason } of revoked) {
    if (!isInvalidityDate(revokedAt, now)) {
      throw new GatewayError(
        'malformed-request',
        `${serialNumber} cannot have been revoked at a time to come, or before the year 0`,
      );
    }
    const place = { unmanagedCaId: id, serialNumber };
    if (!reported.has(serialNumber) && (await store.unmanagedCertificates.findBySerial(place)) === undefined) {
      throw new GatewayError(
        'unknown-certificate',
        `no certificate with the serial number ${serialNumber} was reported`,
      );
    }
    const revocation = { revokedAt: revokedAt.getTime(), revocationReason: reason };
    statements.push(store.unmanagedCertificates.revoke({ ...place, ...revocation }));
  }
  return statements;
}
