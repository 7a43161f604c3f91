/** When a certificate is best renewed (RFC 9773), for whoever asks. */
import { GatewayError } from '../errors.js';
import { type CertificateRecord, certificateId, hasLapsed } from '../store/certificate-record.js';
import type { ReplacementRecord } from '../store/certificate-replacement.js';
import { type Certificate, extension } from '../x509/certificate.js';
import { decodeSubjectKeyIdentifier } from '../x509/extensions.js';
import { idCeSubjectKeyIdentifier } from '../x509/oids.js';
import type { RenewalQuery } from './request.js';
import type { Renewal } from './result.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/** @throws GatewayError `unknown-certificate` for what was not issued under this policy, `not-found` for the label */
export async function findRenewal(query: RenewalQuery, services: EnrollmentServices): Promise<Renewal> {
  const { catalog, clock } = services;
  const { policy } = findTarget(catalog(), query.label).resolved;
  const record = await findRecord(query, services);
  if (record?.policy !== policy.name || record.usage === 'service') {
    throw new GatewayError(
      'unknown-certificate',
      'no certificate of this policy has this key identifier and serial number',
    );
  }
  const { explanationUrl } = record;
  return {
    certificate: record.der,
    requester: record.requester,
    window: windowOf(record, catalog().profiles.get(record.profile)?.profile.renewal.window, clock.now()),
    ...(explanationUrl === null ? {} : { explanationUrl }),
  };
}

type RecordWithPlan = CertificateRecord & ReplacementRecord;

async function findRecord(
  { authorityKeyIdentifier, serialNumber }: RenewalQuery,
  { authority, store }: EnrollmentServices,
): Promise<RecordWithPlan | undefined> {
  for (const { id, certificate } of authority.generations()) {
    if (Buffer.compare(keyIdentifierOf(certificate), authorityKeyIdentifier) !== 0) continue;
    const record = await store.certificates.findWithReplacement({ id: certificateId(id, serialNumber) });
    if (record !== undefined) return record;
  }
  return undefined;
}

/** All generations are made here, and have one. */
function keyIdentifierOf(certificate: Certificate): Uint8Array {
  const value = extension(certificate, idCeSubjectKeyIdentifier);
  return value === undefined ? new Uint8Array() : decodeSubjectKeyIdentifier(value);
}

/** @param profileWindow seconds */
function windowOf(record: RecordWithPlan, profileWindow: number | undefined, now: Date): Renewal['window'] {
  const endedAt = endOf(record, now);
  if (endedAt !== undefined) return between(endedAt - hourMilliseconds, endedAt);
  const usual = usualWindow(record, profileWindow);
  const { replaceBy, replacementPlannedAt } = record;
  if (replaceBy === null || replacementPlannedAt === null) return between(usual.start, usual.end);
  return between(Math.min(usual.start, replacementPlannedAt), Math.min(usual.end, replaceBy));
}

/** When a certificate that is good for nothing any more has ended. */
function endOf({ status, revokedAt, confirmBy }: CertificateRecord, now: Date): number | undefined {
  if (status === 'revoked') return revokedAt ?? now.getTime();
  return hasLapsed({ confirmBy }, now) ? (confirmBy ?? undefined) : undefined;
}

/**
 * The first half of the time in which the profile lets it be renewed, or of the last third of its lifetime: clients spread
 * themselves over it (RFC 9773 4.2), and who fails has the other half to try again. In whole seconds, as some write no others.
 */
function usualWindow(
  { notBefore, notAfter }: CertificateRecord,
  profileWindow: number | undefined,
): { readonly start: number; readonly end: number } {
  const lifetime = Math.floor((notAfter - notBefore) / 1000);
  // One that could be renewed from its first day on would be, again and again.
  const length = profileWindow !== undefined && profileWindow < lifetime ? profileWindow : Math.floor(lifetime / 3);
  const half = Math.max(1, Math.floor(length / 2));
  return { start: notAfter - Math.max(2, length) * 1000, end: notAfter - half * 1000 };
}

function between(start: number, end: number): Renewal['window'] {
  return { start: new Date(start), end: new Date(end) };
}

const hourMilliseconds = 3_600_000;
