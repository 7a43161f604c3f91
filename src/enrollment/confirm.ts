/** What requesters say of the certificates that they got (RFC 9810 5.3.18): taken, or not. */
import { GatewayError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import { type CertificateRecord, hasLapsed } from '../store/certificate-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import { namesEqual } from '../x509/names.js';
import { certificateEvent } from './certificate-event.js';
import { type CertificateHolder, holderOf } from './certificate-holder.js';
import { lapse, unconfirmedStatements, unwanted } from './lapse.js';
import { recordingRefusals } from './recording-refusals.js';
import type { ConfirmationRequest } from './request.js';
import { supersessionRecord, supersessionStatements } from './revoke.js';
import { replacedStatements } from './revoke-replaced.js';
import type { EnrollmentServices } from './services.js';
import { findTarget } from './target.js';

/**
 * Confirms a certificate, or revokes it because its requester does not take it.
 * @throws GatewayError `unknown-certificate` when it is not the requester's, `already-confirmed`, `already-revoked` also when it
 * has lapsed, `invalid-state` when it is on hold; after its audit event is committed
 */
export function confirmCertificate(request: ConfirmationRequest, services: EnrollmentServices): Promise<void> {
  return recordingRefusals({ ...request, operation: 'confirm' }, services, async () => {
    const record = await findUnconfirmed(request, services);
    const at = services.clock.now();
    const { statements, audit } = request.accepted
      ? await acceptance(record, request, at, services)
      : await rejection(record, request, at, services);
    await services.store.commit({ statements: [...statements, ...(request.accompanying ?? [])], audit });
  });
}

interface Outcome {
  readonly statements: readonly Statement[];
  readonly audit: readonly AuditRecord[];
}

async function findUnconfirmed(
  { label, requester, certificate }: ConfirmationRequest,
  services: EnrollmentServices,
): Promise<CertificateRecord> {
  const { name } = findTarget(services.catalog(), label).resolved.policy;
  const record = await services.store.certificates.findByFingerprint({
    serialNumber: decodeCertificate(certificate).serialNumber,
    certificateFingerprint: fingerprint(certificate),
  });
  if (record?.policy !== name || record.requester !== requester) {
    throw new GatewayError('unknown-certificate', 'this requester has no such certificate');
  }
  if (hasLapsed(record, services.clock.now())) {
    await lapse(record, services);
    throw new GatewayError('already-revoked', 'the time to confirm the certificate is over');
  }
  if (record.status === 'revoked') throw new GatewayError('already-revoked', 'the certificate is revoked');
  if (record.confirmBy === null) throw new GatewayError('already-confirmed', 'the certificate is confirmed already');
  if (record.status === 'held') throw new GatewayError('invalid-state', 'the certificate is on hold');
  return record;
}

async function acceptance(
  record: CertificateRecord,
  request: ConfirmationRequest,
  at: Date,
  services: EnrollmentServices,
): Promise<Outcome> {
  const { store } = services;
  const { id, requester } = record;
  const previous = await findPrevious(record, at, services);
  const holder = await holderOf(record, store);
  return {
    statements: [
      store.certificates.confirm({ id, requester, at: at.getTime() }),
      ...previous.flatMap((old) => supersessionStatements(old, at, store)),
      ...replacedStatements(record, at, store),
    ],
    audit: [
      eventOf('certificate.confirmed', record, holder, request, at),
      ...previous.map((old) => supersessionRecord(old, { supersededBy: id, holder }, at)),
    ],
  };
}

/**
 * What the certificate takes the place of by the policy's rule for duplicates. Until now the device may have had to go on with
 * it. The certificate that it renews is none of them, and neither is what came later.
 */
async function findPrevious(
  { id, policy, usage, deviceId, der, issuedAt, replaces }: CertificateRecord,
  at: Date,
  { store, catalog }: EnrollmentServices,
): Promise<readonly CertificateRecord[]> {
  if (deviceId === null || catalog().policies.get(policy)?.policy.duplicates !== 'revoke-previous') return [];
  const { subject } = decodeCertificate(der);
  const others = await store.certificates.validByDevice({ deviceId, at: at.getTime() });
  return others.filter(
    (other) =>
      other.id !== id &&
      other.id !== replaces &&
      other.policy === policy &&
      other.usage === usage &&
      other.issuedAt <= issuedAt &&
      namesEqual(decodeCertificate(other.der).subject, subject),
  );
}

async function rejection(
  record: CertificateRecord,
  request: ConfirmationRequest,
  at: Date,
  { store }: EnrollmentServices,
): Promise<Outcome> {
  return {
    statements: unconfirmedStatements(record, at, store),
    audit: [eventOf('certificate.rejected', record, await holderOf(record, store), request, at)],
  };
}

function eventOf(
  action: 'certificate.confirmed' | 'certificate.rejected',
  record: CertificateRecord,
  holder: CertificateHolder,
  { protocol, requester, reason, remoteAddress, requestId }: ConfirmationRequest,
  at: Date,
): AuditRecord {
  const why = action === 'certificate.rejected' ? { reason: unwanted, said: reason && fitForLog(reason) } : {};
  const details = { protocol, remoteAddress, requester, ...why };
  return certificateEvent(action, record, { at, id: requestId, holder }, details);
}
