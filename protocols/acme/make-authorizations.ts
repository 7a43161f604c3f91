/** The authorizations that an account needs for identifiers: those that it has, and new ones (RFC 8555 7.1.4, 8). */
import { randomBytes } from 'node:crypto';
import { createIdentifier } from '../../src/identifier.js';
import type { AcmeChallenge, AcmeIdentifier, AcmeIdentifierType } from '../../src/model/acme.js';
import { isProved } from './authorization-state.js';
import type { Challenge } from './challenge.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { baseOf, refuseIdentifiers } from './identifiers.js';
import type { Subproblem } from './problem.js';
import { limitAuthorizations } from './rate-limits.js';
import type { AuthorizationRecord } from './store/authorizations.js';

/** Refuses identifiers that the policy has no challenge for. @throws AcmeError `rejectedIdentifier` */
export function requireChallenges(identifiers: readonly AcmeIdentifier[], { policy }: AccountRequest): void {
  if (policy.acme.authorization === 'externalAccount') return;
  const problems: Subproblem[] = [];
  for (const identifier of identifiers) {
    if (challengesFor(identifier, policy.acme.challenges).length > 0) continue;
    const suitable = suitableChallenges(identifier).join(', ');
    const detail = `${identifier.value} would need ${suitable}, which this policy does not offer`;
    problems.push({ type: 'rejectedIdentifier', detail, identifier });
  }
  refuseIdentifiers(problems);
}

/** One that the account has already, if it can be used again. */
export async function findReusable(
  wanted: AcmeIdentifier,
  { account, policy }: AccountRequest,
  { authorizations, services }: AcmeContext,
): Promise<AuthorizationRecord | undefined> {
  const { identifier, isWildcard } = baseOf(wanted);
  const now = services.clock.now().getTime();
  const found = await authorizations.findValid({
    accountId: account.id,
    identifierType: identifier.type,
    identifierValue: identifier.value,
    isWildcard: isWildcard ? 1 : 0,
    now,
  });
  // There must be time left to finalize the order. An attestation is of one key, and the next order may have another.
  const needed = Math.min(3_600_000, policy.acme.authorizationLifetime * 500);
  return found.find(
    (each) => each.expiresAt - now >= needed && each.attestedKey === null && isProved(each, policy.acme),
  );
}

/** A new one, for the commit. @throws AcmeError `rateLimited` */
export async function makeAuthorization(
  wanted: AcmeIdentifier,
  request: AccountRequest,
  context: AcmeContext,
): Promise<AuthorizationRecord> {
  await limitAuthorizations(wanted, request, context);
  const { account, policy } = request;
  const { identifier, isWildcard } = baseOf(wanted);
  const now = context.services.clock.now().getTime();
  const { authorization, authorizationLifetime, orderLifetime, challenges } = policy.acme;
  const isGranted = authorization === 'externalAccount';
  return {
    id: createIdentifier(now),
    accountId: account.id,
    policy: policy.name,
    identifierType: identifier.type,
    identifierValue: identifier.value,
    isWildcard: isWildcard ? 1 : 0,
    status: isGranted ? 'valid' : 'pending',
    challenges: JSON.stringify(isGranted ? [] : challengesFor(wanted, challenges).map(newChallenge)),
    revision: 0,
    attestedKey: null,
    attestedBy: null,
    validateAt: null,
    createdAt: now,
    expiresAt: now + (isGranted ? authorizationLifetime : orderLifetime) * 1000,
  };
}

function challengesFor(wanted: AcmeIdentifier, offered: readonly AcmeChallenge[]): readonly AcmeChallenge[] {
  return suitableChallenges(wanted).filter((each) => offered.includes(each));
}

/** Only DNS shows who has all names below a domain; RFC 8738 7 forbids it for addresses. */
function suitableChallenges(wanted: AcmeIdentifier): readonly AcmeChallenge[] {
  return baseOf(wanted).isWildcard ? ['dns-01'] : suitable[wanted.type];
}

const suitable: Readonly<Record<AcmeIdentifierType, readonly AcmeChallenge[]>> = {
  dns: ['http-01', 'dns-01', 'tls-alpn-01'],
  ip: ['http-01', 'tls-alpn-01'],
  'permanent-identifier': ['device-attest-01'],
  'hardware-module': ['device-attest-01'],
};

/** RFC 8555 8: tokens have at least 128 bits of entropy. */
function newChallenge(type: AcmeChallenge): Challenge {
  return { type, token: randomBytes(32).toString('base64url'), status: 'pending', attempts: 0 };
}
