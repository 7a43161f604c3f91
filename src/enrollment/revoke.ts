/** Revocation, hold and release: the certificate's state, its audit event, and the CRL that is due by it. */
import { type Actor, byActor } from '../audit/actor.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { revocationReasonCode } from '../x509/crl.js';
import { certificateEvent } from './certificate-event.js';
import { type CertificateHolder, holderOf } from './certificate-holder.js';
import type { RequestedReason } from './revocation-reason.js';
import type { EnrollmentServices } from './services.js';

/** Who wants it: a person or program that manages the gateway, or the sender of a message. */
export type RevocationOrigin =
  | { readonly actor: Actor; readonly message?: never; readonly approval?: never }
  | {
      readonly actor?: never;
      /** What it was asked for in: its event has the message's id, unless the one of its approval is before it. */
      readonly message: {
        readonly protocol: string;
        readonly remoteAddress: string;
        readonly requestId: string;
        /** `Requester.id` of who has sent it. */
        readonly requester: string;
      };
      /** Who has approved it, and the event of that. */
      readonly approval?: { readonly approvers: readonly string[]; readonly event: AuditRecord };
    };

interface Revocable {
  /** Which certificate: the issuing CA's generation and the serial number, lower-case hex. */
  readonly issuerId: string;
  readonly serialNumber: string;
  /** Writes that must stand or fall with it. */
  readonly accompanying?: readonly Statement[];
}

export type RevocationRequest = Revocable &
  RevocationOrigin & {
    readonly reason: RequestedReason;
    /** Since when the key is suspected (RFC 5280 5.3.2). */
    readonly invalidityDate?: Date;
  };

export type ReleaseRequest = Revocable & RevocationOrigin;

type RevocationServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/**
 * Revokes for good, also from hold; with the reason certificateHold it is a hold.
 * @throws GatewayError `unknown-certificate`, `already-revoked`, and `invalid-state` for a hold of what is not valid, and for the
 * certificate of a CA here, whose revocation is more than a line on a CRL.
 */
export async function revokeCertificate(request: RevocationRequest, services: RevocationServices): Promise<void> {
  const { store, clock } = services;
  const record = await findRecord(request, store);
  await requireNoAuthority(record, store);
  const holder = await holderOf(record, store);
  const at = clock.now();
  const { reason, invalidityDate, accompanying = [] } = request;
  const isHold = reason === 'certificateHold';
  if (isHold) requireHoldable(record);
  const action = isHold ? 'certificate.held' : 'certificate.revoked';
  const details = { reason, invalidityDate, ...describeOrigin(request) };
  const statements = isHold
    ? [store.certificates.hold({ id: record.id, at: at.getTime() }), ...crlDue(record, at, store)]
    : revocationStatements(record, { at, reason, ...(invalidityDate ? { invalidityDate } : {}) }, store);
  await store.commit({
    statements: [...statements, ...accompanying],
    audit: [...earlierEvents(request), certificateEvent(action, record, { ...eventId(request), at, holder }, details)],
  });
}

/**
 * Ends a hold.
 * @throws GatewayError `unknown-certificate`, and `invalid-state` for a certificate that is not on hold.
 */
export async function releaseCertificate(request: ReleaseRequest, { store, clock }: RevocationServices): Promise<void> {
  const record = await findRecord(request, store);
  if (record.status !== 'held')
    throw new GatewayError('invalid-state', `the certificate is ${record.status}, not on hold`);
  const holder = await holderOf(record, store);
  const at = clock.now();
  const { accompanying = [] } = request;
  await store.commit({
    statements: [store.certificates.release({ id: record.id }), ...crlDue(record, at, store), ...accompanying],
    audit: [
      ...earlierEvents(request),
      certificateEvent('certificate.released', record, { ...eventId(request), at, holder }, describeOrigin(request)),
    ],
  });
}

/** @throws GatewayError `invalid-state` for a certificate that is not valid */
export function requireHoldable({ status }: CertificateRecord): void {
  if (status === 'valid') return;
  throw new GatewayError('invalid-state', `the certificate is ${status}, so that it cannot be put on hold`);
}

async function requireNoAuthority({ profile, der }: CertificateRecord, { caGenerations }: Store): Promise<void> {
  if (profile !== 'certificate-authority') return;
  const own = (await caGenerations.all()).find(({ certificate }) => Buffer.compare(certificate, der) === 0);
  if (own === undefined) return;
  throw new GatewayError(
    'invalid-state',
    `this is the certificate of the CA generation ${own.id}: revoke that (gatehouse ca revoke ${own.id})`,
  );
}

function earlierEvents({ approval }: RevocationOrigin): readonly AuditRecord[] {
  return approval ? [approval.event] : [];
}

function eventId({ message, approval }: RevocationOrigin): { id?: string } {
  return message && !approval ? { id: message.requestId } : {};
}

function describeOrigin({ actor, message, approval }: RevocationOrigin): Readonly<Record<string, unknown>> {
  if (actor) return byActor(actor);
  const { protocol, remoteAddress, requestId, requester } = message;
  return {
    requestedBy: requester,
    ...(approval ? { requestId, approvedBy: approval.approvers } : {}),
    protocol,
    remoteAddress,
  };
}

/** Revokes a certificate whose place another one takes, within the other one's commit. */
export function supersessionStatements(old: CertificateRecord, at: Date, store: Store): Statement[] {
  return revocationStatements(old, { at, reason: 'superseded' }, store);
}

interface Revocation {
  readonly at: Date;
  readonly reason: Exclude<RequestedReason, 'certificateHold'>;
  readonly invalidityDate?: Date;
}

/** Revokes a certificate; one that it was to replace, and that waits for its confirmation, stays what it was. */
export function revocationStatements(
  record: CertificateRecord,
  { at, reason, invalidityDate }: Revocation,
  store: Store,
): Statement[] {
  const { id, confirmBy, replaces } = record;
  const isUnconfirmed = confirmBy !== null && replaces !== null;
  return [
    ...(isUnconfirmed ? [store.certificates.reinstate({ id: replaces, supplantedBy: id })] : []),
    store.certificates.revoke({
      id,
      revokedAt: at.getTime(),
      revocationReason: revocationReasonCode(reason),
      invalidityDate: invalidityDate?.getTime() ?? null,
    }),
    ...crlDue(record, at, store),
  ];
}

/** Says of a certificate that is revoked already that its key is compromised; when it was revoked stays. */
export function compromiseStatements(
  record: CertificateRecord,
  { at, reason, invalidityDate }: Revocation,
  store: Store,
): Statement[] {
  return [
    store.certificates.revokeAnew({
      id: record.id,
      revocationReason: revocationReasonCode(reason),
      invalidityDate: invalidityDate?.getTime() ?? record.invalidityDate,
    }),
    ...crlDue(record, at, store),
  ];
}

export function supersessionRecord(
  old: CertificateRecord,
  { supersededBy, holder }: { readonly supersededBy: string; readonly holder: CertificateHolder },
  at: Date,
): AuditRecord {
  return certificateEvent('certificate.revoked', old, { at, holder }, { reason: 'superseded', supersededBy });
}

/** After the state's change, and with it, so that no crash comes between a revocation and its CRL. */
function crlDue(
  { id, issuerId, crlPartition }: Pick<CertificateRecord, 'id' | 'issuerId' | 'crlPartition'>,
  time: Date,
  { crls, revocations }: Store,
): Statement[] {
  const at = time.getTime();
  return [crls.markChanged({ issuerId, partition: crlPartition, at }), revocations.follow({ id, at })];
}

async function findRecord(
  { issuerId, serialNumber }: Pick<RevocationRequest, 'issuerId' | 'serialNumber'>,
  store: Store,
): Promise<CertificateRecord> {
  const record = await store.certificates.findByIssuerAndSerial(issuerId, serialNumber);
  if (record !== undefined) return record;
  const earlier = await store.revocations.find({ issuerId, serialNumber });
  throw new GatewayError(
    'unknown-certificate',
    earlier === undefined
      ? 'no certificate of this issuer and serial number is on record'
      : 'this certificate was revoked or held before its CA was taken over: it stays so, and is not on record here',
  );
}
