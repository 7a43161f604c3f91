/** What validation does to an authorization and its orders, as one change with its audit event (RFC 8555 7.1.6, 8.2). */
import type { PolicyView } from '../../src/policy-view.js';
import { identifierOf, readChallenges } from './authorization-state.js';
import type { Challenge, Responded } from './challenge.js';
import type { AcmeContext } from './context.js';
import { type AcmeError, type ProblemDocument, problemDocument } from './problem.js';
import type { AuthorizationRecord } from './store/authorizations.js';

/** What a change is made with. */
export type Writing = Pick<AcmeContext, 'services' | 'authorizations' | 'orders'>;

/** What an attestation says besides. */
export type Attested = Pick<AuthorizationRecord, 'attestedKey' | 'attestedBy'>;

/** @throws GatewayError `invalid-state` when the authorization was changed meanwhile */
export async function commitValidated(
  responded: Responded,
  acme: PolicyView['acme'],
  { services, authorizations }: Writing,
  attested: Attested = { attestedKey: null, attestedBy: null },
): Promise<void> {
  const now = services.clock.now();
  const statement = authorizations.proceed({
    ...changed(responded, ({ error: _, isUnderWay: __, ...challenge }) => ({
      ...challenge,
      status: 'valid',
      attempts: challenge.attempts + 1,
      validated: now.toISOString(),
    })),
    ...attested,
    status: 'valid',
    validateAt: null,
    expiresAt: now.getTime() + lifetimeOf(responded.record, acme) * 1000,
  });
  const { attestedBy } = attested;
  await services.commit(
    [statement],
    [
      {
        action: 'authorization.validated',
        outcome: 'success',
        ...describe(responded, attestedBy === null ? {} : { attestedBy }),
      },
    ],
  );
}

/** Seconds. RFC 8659 3 wants CAA records looked at before a certificate is issued: by then that is not long ago. */
function lifetimeOf(
  { identifierType }: AuthorizationRecord,
  { authorizationLifetime, caaIdentities }: PolicyView['acme'],
): number {
  const isUnderCaa = identifierType === 'dns' && caaIdentities.length > 0;
  return isUnderCaa ? Math.min(authorizationLifetime, maximumCaaAge) : authorizationLifetime;
}

const maximumCaaAge = 8 * 3600;

/** The end of the authorization, and of the orders that need it. @throws GatewayError as commitValidated does */
export async function commitFailed(
  responded: Responded,
  error: AcmeError,
  { services, authorizations, orders }: Writing,
): Promise<void> {
  const { record } = responded;
  const statements = [
    authorizations.proceed({
      ...changed(responded, ({ isUnderWay: _, ...challenge }) => ({
        ...withAttempt(challenge, error),
        status: 'invalid',
      })),
      status: 'invalid',
      validateAt: null,
    }),
    orders.failOfAuthorization({ authorizationId: record.id, error: JSON.stringify(orderProblem(record, error)) }),
  ];
  const { type, message } = error;
  const details = describe(responded, { error: type, reason: message });
  await services.commit(statements, [{ action: 'authorization.failed', outcome: 'refused', ...details }]);
}

/** The challenge stays as it is, but for what was seen; the next attempt is due later. @throws GatewayError likewise */
export async function commitAttempt(
  responded: Responded,
  error: AcmeError,
  validateAt: number,
  { services, authorizations }: Pick<Writing, 'services' | 'authorizations'>,
): Promise<AuthorizationRecord> {
  const progress = {
    ...changed(responded, (challenge) => ({ ...withAttempt(challenge, error), isUnderWay: false })),
    validateAt,
  };
  await services.commit([authorizations.proceed(progress)]);
  return after(responded.record, progress);
}

type Progress = Parameters<AcmeContext['authorizations']['proceed']>[0];

/** The authorization with its challenge changed, and nothing else. */
export function changed({ record, type }: Responded, change: (challenge: Challenge) => Challenge): Progress {
  const { id, status, attestedKey, attestedBy, validateAt, expiresAt, revision: from } = record;
  const challenges = readChallenges(record.challenges).map((each) => (each.type === type ? change(each) : each));
  return { id, status, attestedKey, attestedBy, validateAt, expiresAt, from, challenges: JSON.stringify(challenges) };
}

/** The record once the progress is committed. */
export function after(record: AuthorizationRecord, { from, ...progress }: Progress): AuthorizationRecord {
  return { ...record, ...progress, revision: from + 1 };
}

/** What an order that fails with its authorization shows. */
export function orderProblem(record: AuthorizationRecord, error: AcmeError): ProblemDocument {
  const document = problemDocument(error);
  return { ...document, detail: `${identifierOf(record).value} was not authorized: ${document.detail}` };
}

/** RFC 8555 8.2: each failed attempt has an entry of its own. */
function withAttempt(challenge: Challenge, error: AcmeError): Challenge {
  const problem = problemDocument(error);
  const { error: earlier, attempts } = challenge;
  const entries = earlier === undefined ? [] : [...(earlier.subproblems ?? [earlier]), problem];
  return {
    ...challenge,
    attempts: attempts + 1,
    error: entries.length === 0 ? problem : { ...problem, subproblems: entries },
  };
}

type Details = Readonly<Record<string, unknown>>;

function describe({ record, type }: Responded, more: Details): { subject: string; details: Details } {
  const { id, accountId: account, policy } = record;
  return { subject: id, details: { account, policy, identifier: identifierOf(record), challenge: type, ...more } };
}
