/** Approval of what asks for no certificate: a revocation is carried out by it, any other message may be answered. */
import { validateCertificate } from '../authentication/validate-certificate.js';
import { GatewayError } from '../errors.js';
import type { Policy } from '../model/policy.js';
import type { Identity } from '../policy/identity.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import type { EnrollmentApprovalRecord } from '../store/enrollment-approvals.js';
import type { Store } from '../store/store.js';
import { decodeCertificate } from '../x509/certificate.js';
import { type Approving, approvalRecord, approvedStatements, lastingCredentials } from './approving.js';
import { unrevokedStatements } from './credential-use.js';
import type { MessageReason } from './revocation-reason.js';
import type { EnrollmentServices } from './services.js';
import type { StoredMessage, StoredRevocation } from './stored-message.js';
import { decodeIdentity } from './stored-request.js';
import { carryOut, requirePossible } from './wanted-revocation.js';

export type MessageApproval =
  /** The certificate as it was, and what was done to it. */
  | { readonly outcome: 'revoked'; readonly certificate: CertificateRecord; readonly reason: MessageReason }
  /** The message is answered when it is polled for. */
  | { readonly outcome: 'answerable' };

/** @throws GatewayError for whatever refuses a revocation now */
export async function approveMessage(
  approving: Approving,
  message: StoredMessage,
  policy: Policy,
  services: EnrollmentServices,
): Promise<MessageApproval> {
  const { store } = services;
  if (message.kind === 'message') {
    await store.commit({
      statements: approvedStatements(approving, policy, store),
      audit: [approvalRecord(approving)],
    });
    return { outcome: 'answerable' };
  }
  const { transaction, actor, earlier } = approving;
  const identity = decodeIdentity(transaction.identity);
  const certificate = await findRevocable(approving, message, identity, services);
  const { issuerId, serialNumber, reason, invalidityDate, protocol, remoteAddress } = message;
  await carryOut(
    {
      issuerId,
      serialNumber,
      reason,
      ...(invalidityDate ? { invalidityDate } : {}),
      message: { protocol, remoteAddress, requestId: transaction.requestId, requester: identity.requester },
      approval: { approvers: [...earlier.map(nameOf), actor.name], event: approvalRecord(approving) },
      accompanying: [...guards(identity, certificate, store), ...approvedStatements(approving, policy, store)],
    },
    services,
  );
  return { outcome: 'revoked', certificate, reason };
}

/** Those of before names were kept are known by what they stand for. */
function nameOf({ name, approver }: EnrollmentApprovalRecord): string {
  return name ?? approver;
}

async function findRevocable(
  { now }: Approving,
  { issuerId, serialNumber, reason }: StoredRevocation,
  identity: Identity,
  services: EnrollmentServices,
): Promise<CertificateRecord> {
  const record = await services.store.certificates.findByIssuerAndSerial(issuerId, serialNumber);
  if (record === undefined) throw new GatewayError('unknown-certificate', 'the certificate is not on record any more');
  await requireStillValid(identity, record, services);
  requirePossible(reason, record, now);
  return record;
}

/** Who speaks for another certificate has to be in order still when its word is followed. */
async function requireStillValid(
  { issuedCertificate: own }: Identity,
  { id }: CertificateRecord,
  services: EnrollmentServices,
): Promise<void> {
  if (own === undefined || certificateId(own.issuerId, own.serialNumber) === id) return;
  const issued = await services.store.certificates.findByIssuerAndSerial(own.issuerId, own.serialNumber);
  if (issued && (await isStillValid(issued, services))) return;
  throw new GatewayError(
    'invalid-state',
    'the certificate that the request was signed with, or a CA above it, has been revoked since; reject the request',
  );
}

/** It was in time when it asked. */
async function isStillValid(issued: CertificateRecord, services: EnrollmentServices): Promise<boolean> {
  const certificate = decodeCertificate(issued.der);
  const question = { certificate, issued, at: services.clock.now(), acceptExpired: true };
  return (await validateCertificate(question, services)).ok;
}

/** What was looked up a moment ago must hold in the commit as well. */
function guards(identity: Identity, { id }: CertificateRecord, store: Store): readonly Statement[] {
  const { issuedCertificate: own } = identity;
  const signer = own && certificateId(own.issuerId, own.serialNumber);
  return [
    ...lastingCredentials(identity).flatMap((credential) => unrevokedStatements(credential, store)),
    ...(signer === undefined || signer === id ? [] : [store.certificates.requireValid({ id: signer })]),
  ];
}
