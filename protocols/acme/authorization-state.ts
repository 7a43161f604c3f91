/** What an authorization is at a moment, and how it is shown (RFC 8555 7.1.4 to 7.1.6). */
import type { AcmeIdentifier } from '../../src/model/acme.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Answer } from './answer.js';
import type { Challenge } from './challenge.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { notFound } from './recorded.js';
import type { AuthorizationRecord } from './store/authorizations.js';
import type { Urls } from './urls.js';

export type AuthorizationStatus = AuthorizationRecord['status'] | 'expired';

/** What orders see of an authorization; nothing but the id is left of one that was removed. */
export type LinkedAuthorization = Pick<AuthorizationRecord, 'id'> &
  Nullable<
    Pick<
      AuthorizationRecord,
      | 'identifierType'
      | 'identifierValue'
      | 'isWildcard'
      | 'status'
      | 'challenges'
      | 'attestedKey'
      | 'attestedBy'
      | 'expiresAt'
    >
  >;

type Nullable<Columns> = { readonly [Column in keyof Columns]: Columns[Column] | null };

export function authorizationStatus(
  { status, expiresAt }: Pick<LinkedAuthorization, 'status' | 'expiresAt'>,
  now: number,
): AuthorizationStatus {
  if (status === null || expiresAt === null) return 'expired';
  const canExpire = status === 'pending' || status === 'valid';
  return canExpire && expiresAt <= now ? 'expired' : status;
}

/** @throws AcmeError as for one that does not exist when it is another account's */
export async function findAuthorization(
  { exchange, account }: AccountRequest,
  { authorizations }: AcmeContext,
): Promise<AuthorizationRecord> {
  const found = await authorizations.find({ id: exchange.params.id ?? '', accountId: account.id });
  if (found === undefined) throw notFound('authorization');
  return found;
}

export function readChallenges(challenges: string): readonly Challenge[] {
  return JSON.parse(challenges);
}

/** Whether the identifier counts as the account's by what the policy demands today, which may be more than it was. */
export function isProved(
  { identifierType, challenges, attestedKey }: Omit<LinkedAuthorization, 'id'>,
  { authorization }: PolicyView['acme'],
): boolean {
  // Only an attestation tells of a device: an external account alone does not say which one it is.
  if (identifierType === 'permanent-identifier' || identifierType === 'hardware-module') return attestedKey !== null;
  if (authorization === 'externalAccount') return true;
  return readChallenges(challenges ?? '[]').some(({ status }) => status === 'valid');
}

/** The identifier with the `*.` of a wildcard. */
export function identifierOf(
  record: Pick<AuthorizationRecord, 'identifierType' | 'identifierValue' | 'isWildcard'>,
): AcmeIdentifier {
  const { identifierType: type, identifierValue: value, isWildcard } = record;
  return { type, value: isWildcard === 1 ? `*.${value}` : value };
}

export function authorizationAnswer(
  record: AuthorizationRecord,
  urls: Urls,
  now: number,
): Pick<Answer, 'json' | 'retryAfter'> {
  const { id, identifierType: type, identifierValue: value, isWildcard } = record;
  const status = authorizationStatus(record, now);
  const challenges = readChallenges(record.challenges);
  // RFC 8555 7.1.4: those that can still be responded to, then those that were.
  const shown = status === 'pending' ? challenges : challenges.filter(hasEnded);
  const retryAfter = challenges.map((challenge) => retryAfterOf(challenge, record, now)).find(Boolean);
  return {
    json: {
      status,
      expires: new Date(record.expiresAt).toISOString(),
      identifier: { type, value },
      challenges: shown.map((challenge) => challengeObject(challenge, id, urls)),
      ...(isWildcard === 1 ? { wildcard: true } : {}),
    },
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

export function challengeObject(
  { type, status, token, validated, error }: Challenge,
  authorization: string,
  urls: Urls,
) {
  return { type, url: urls.challenge(authorization, type), status, token, validated, error };
}

/** Seconds until there is news of a challenge (RFC 8555 8.2); undefined when none is to come. */
export function retryAfterOf(
  challenge: Challenge,
  { status, validateAt }: Pick<AuthorizationRecord, 'status' | 'validateAt'>,
  now: number,
): number | undefined {
  if (status !== 'pending' || challenge.status !== 'processing' || validateAt === null) return undefined;
  if (challenge.isUnderWay) return 1;
  return Math.max(Math.ceil((validateAt - now) / 1000), 0) + 1;
}

function hasEnded({ status }: Challenge): boolean {
  return status === 'valid' || status === 'invalid';
}
