/** Revocation asked for in a protocol's message: by the certificate's own holder, its passphrase, a registration authority, or an account. */
import { GatewayError } from '../errors.js';
import type { Identity } from '../policy/identity.js';
import { approvalOfMessage } from '../policy/message-approval.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { findAcmeRevoker, type Revoker } from './acme-revoker.js';
import { authenticateRequest } from './authenticate-request.js';
import { findIssuedCertificate } from './find-certificate.js';
import { recordPendingMessage } from './record-pending.js';
import { recordingRefusals } from './recording-refusals.js';
import type { RevocationMessage } from './request.js';
import { findRights } from './requester-rights.js';
import type { RevocationResult } from './result.js';
import { findPassphrase, requireRightOfPassphrase } from './revocation-passphrase.js';
import type { EnrollmentServices } from './services.js';
import type { StoredRevocation } from './stored-message.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';
import { requireInUse } from './updates.js';
import { carryOut, requirePossible } from './wanted-revocation.js';

/**
 * Carries out what the message asks for, or keeps it until people have approved it where the policy wants that.
 * @throws GatewayError `unknown-certificate` (also for what is to be revived and is not on hold), `already-revoked` (also for
 * what has expired), `invalid-state`, `forbidden`, or as authentication does; after its audit event is committed
 */
export function revokeByMessage(message: RevocationMessage, services: EnrollmentServices): Promise<RevocationResult> {
  return recordingRefusals({ ...message, operation: 'revoke' }, services, async () => {
    const target = findTarget(services.catalog(), message.label);
    requireMethod(target.resolved, message.protocol);
    const find = message.protocol === 'acme' ? findAcmeRevoker : findRevoker;
    const { identity, record } = await find(message, target, services);
    requirePossible(message.reason, record, services.clock.now());
    // The setting is CMP's: no other protocol knows of revocations that wait.
    const approval = message.protocol === 'cmp' ? approvalOfMessage(target.resolved.policy, 'rr') : undefined;
    if (approval === undefined) return await revokeNow(message, identity, record, services);
    return await recordPendingMessage(
      {
        message: { ...message, operation: 'revoke' },
        stored: describe(message, record),
        target,
        identity,
        now: services.clock.now(),
        trace: [approval],
      },
      services,
    );
  });
}

async function findRevoker(
  message: RevocationMessage,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Revoker> {
  const identity = await authenticateRevoker(message, target, services);
  const record = await findIssuedCertificate(message, target, services);
  message.requireDescribed?.(record.der);
  await requireRight(message, identity, record, target, services);
  return { identity, record };
}

async function authenticateRevoker(
  { protocol, credentials, remoteAddress, reason }: RevocationMessage,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Identity> {
  const now = services.clock.now();
  // Who wants its certificate back from hold has nothing else to say so with.
  const acceptHeld = reason === 'removeFromCRL';
  const asked = { protocol, credentials, operation: 'message', remoteAddress, acceptHeld } as const;
  const { identity } = await authenticateRequest(asked, target, now, services);
  await requireInUse(identity.issuedCertificate, services);
  return identity;
}

async function requireRight(
  { credentials, remoteAddress, reason }: RevocationMessage,
  identity: Identity,
  record: CertificateRecord,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<void> {
  const passphrase = findPassphrase(identity);
  if (passphrase) return await requireRightOfPassphrase(passphrase, reason, record, services);
  const own = identity.issuedCertificate;
  if (own?.issuerId === record.issuerId && own.serialNumber === record.serialNumber) return;
  const { isRegistrationAuthority } = await findRights({ identity, credentials, remoteAddress }, target, services);
  if (isRegistrationAuthority && (await isValid(own, services))) return;
  throw new GatewayError('forbidden', 'only its holder or a registration authority may revoke the certificate');
}

/** One on hold speaks for nobody but itself. */
async function isValid(certificate: Identity['issuedCertificate'], { store }: EnrollmentServices): Promise<boolean> {
  if (certificate === undefined) return true;
  const { issuerId, serialNumber } = certificate;
  return (await store.certificates.findByIssuerAndSerial(issuerId, serialNumber))?.status === 'valid';
}

async function revokeNow(
  message: RevocationMessage,
  { requester }: Identity,
  { issuerId, serialNumber }: CertificateRecord,
  services: EnrollmentServices,
): Promise<RevocationResult> {
  const { reason, protocol, remoteAddress, requestId, invalidityDate, accompanying } = message;
  const result = { outcome: 'done' } as const;
  await carryOut(
    {
      issuerId,
      serialNumber,
      reason,
      ...(invalidityDate ? { invalidityDate } : {}),
      message: { protocol, remoteAddress, requestId, requester },
      accompanying: accompanying?.(result) ?? [],
    },
    services,
  );
  return result;
}

function describe(
  { protocol, remoteAddress, reason, invalidityDate }: RevocationMessage,
  { issuerId, serialNumber, subject }: CertificateRecord,
): StoredRevocation {
  return {
    kind: 'revocation',
    protocol,
    remoteAddress,
    issuerId,
    serialNumber,
    subject,
    reason,
    ...(invalidityDate ? { invalidityDate } : {}),
  };
}
