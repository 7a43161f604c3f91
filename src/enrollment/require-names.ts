/** Names that are asked about before there is a request for a certificate (RFC 8555 7.4). */
import { GatewayError } from '../errors.js';
import { checkNames } from '../policy/check-names.js';
import { reasonOf } from '../policy/decision.js';
import { nameByCredential } from '../policy/device-name.js';
import type { Facts } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import { decideValidity } from '../policy/rules/validity.js';
import { selectProfile } from '../policy/select-profile.js';
import { authenticateRequest } from './authenticate-request.js';
import { findDevice } from './facts.js';
import { recordingRefusals } from './recording-refusals.js';
import type { NamesRequest } from './request.js';
import type { EnrollmentServices } from './services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';

/**
 * Refuses names that no request of the requester could get.
 * @throws GatewayError as a request with them would be refused, after its audit event is committed
 */
export async function requireNames(request: NamesRequest, services: EnrollmentServices): Promise<void> {
  const message = { ...request, operation: 'newOrder' };
  const { target, identity } = await recordingRefusals(message, services, () => authenticate(request, services));
  // Who it is being known, the event says so.
  await recordingRefusals({ ...message, requester: identity.requester }, services, () =>
    judgeNames(request, identity, target, services),
  );
}

async function authenticate(
  { protocol, label, credentials, remoteAddress }: NamesRequest,
  services: EnrollmentServices,
): Promise<{ readonly target: EnrollmentTarget; readonly identity: Identity }> {
  const target = findTarget(services.catalog(), label);
  requireMethod(target.resolved, protocol);
  const asked = { protocol, credentials, operation: 'enroll', remoteAddress } as const;
  const { identity } = await authenticateRequest(asked, target, services.clock.now(), services);
  return { target, identity };
}

async function judgeNames(
  request: NamesRequest,
  identity: Identity,
  { resolved, group, isGroupNamed }: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<void> {
  const { policy } = resolved;
  const { usage, profile } = selectProfile(identity, resolved, request);
  const deviceName = nameByCredential(identity);
  const device =
    deviceName === undefined ? undefined : await findDevice({ division: policy.division, name: deviceName }, services);
  const facts = {
    policy,
    usage,
    profile,
    group,
    isGroupNamed,
    ...(device ? { device } : {}),
    ...(deviceName === undefined ? {} : { deviceName }),
  };
  const denial = checkNames({ identity, facts, subjectAltNames: request.subjectAltNames });
  if (denial) throw new GatewayError(denial.code, denial.said);
  requireValidity(request, { policy, profile, issuer: services.authority.issuer(policy.issuingCa) }, services);
}

/** RFC 8555 7.4: an order whose validity no certificate would have is refused before anything is proved. */
function requireValidity(
  { notBefore, notAfter }: NamesRequest,
  facts: Pick<Facts, 'policy' | 'profile' | 'issuer'>,
  { clock }: Pick<EnrollmentServices, 'clock'>,
): void {
  if (notBefore === undefined && notAfter === undefined) return;
  const requested = { ...(notBefore && { notBefore }), ...(notAfter && { notAfter }) };
  const now = clock.now();
  const verdict = decideValidity({ facts, requested, now, notBefore: now, notAfter: now });
  if (verdict.outcome === 'denied') throw new GatewayError(verdict.code, reasonOf('validity', verdict.said));
}
