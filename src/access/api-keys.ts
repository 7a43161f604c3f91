/** API keys: made, shown once, and revoked. */
import { type AuditAction, createActionRecord } from '../audit/audit-record.js';
import { GatewayError, HttpError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { Grant } from '../model/access.js';
import type { ApiKeyRecord, UserRecord } from '../store/access-record.js';
import type { OwnedApiKeyRecord } from '../store/api-key-repository.js';
import type { AuditRecord } from '../store/change.js';
import { lookupOf, makeApiKey, prefixOf } from './api-key-text.js';
import {
  coversGrant,
  describeGrant,
  divisionGuards,
  divisionOf,
  isAdministrator,
  isVisible,
  type Manager,
  readGrants,
  requireDivisions,
  requireGrantable,
  requireRightOver,
} from './grants.js';
import type { Scope } from './principal.js';
import { type AccessServices, administratorGuard, commitAccess } from './services.js';

export interface NewApiKey {
  /** Unique among all that there ever were, so that records never mean two. */
  readonly name: string;
  readonly grants: readonly Grant[];
  /** Name of the user whose key it is: it stops with the user, and is never worth more. */
  readonly owner?: string;
  readonly expiresAt?: Date;
}

/**
 * Makes one; its text is known to nobody else afterwards.
 * @throws GatewayError `duplicate-request`, `forbidden` for more rights than one's own; HttpError 422 for references to nothing
 */
export async function createApiKey(
  wanted: NewApiKey,
  manager: Manager,
  services: AccessServices,
): Promise<{ readonly record: OwnedApiKeyRecord; readonly key: string }> {
  const key = makeApiKey();
  return { key, record: await recordApiKey(key, wanted, manager, services) };
}

/** The same for a key that is known already. */
export async function recordApiKey(
  key: string,
  { name, grants, owner, expiresAt }: NewApiKey,
  manager: Manager,
  services: AccessServices,
): Promise<OwnedApiKeyRecord> {
  const { store, clock, catalog } = services;
  const now = clock.now();
  requireGrantable(grants, manager);
  requireDivisions(grants, catalog().divisions);
  if (expiresAt && (expiresAt <= now || expiresAt.getUTCFullYear() > lastYear)) {
    throw new HttpError(422, 'malformed-request', `the key cannot expire then; give a time from now to ${lastYear}`);
  }
  const user = owner === undefined ? undefined : await findOwner({ owner, grants }, manager, services);
  const record: ApiKeyRecord = {
    id: createIdentifier(),
    name,
    prefix: prefixOf(key),
    lookup: lookupOf(key),
    grants: JSON.stringify(grants),
    isAdministrator: isAdministrator(grants) ? 1 : 0,
    owner: user?.id ?? null,
    createdBy: manager.actor.name,
    createdAt: now.getTime(),
    expiresAt: expiresAt?.getTime() ?? null,
    lastUsedAt: null,
    revokedAt: null,
  };
  const details = { grants, ...(owner === undefined ? {} : { owner }), ...(expiresAt ? { expiresAt } : {}) };
  try {
    await commitAccess(
      {
        statements: [...divisionGuards(grants, store), store.apiKeys.insert(record)],
        audit: [eventOf('api-key.created', record, manager, now, details)],
      },
      services,
    );
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'duplicate-request')) throw error;
    throw new GatewayError('duplicate-request', `there is, or was, an API key ${name}; choose another name`);
  }
  return {
    ...record,
    ownerName: user?.name ?? null,
    ownerEnabled: user?.enabled ?? null,
    ownerGrants: user?.grants ?? null,
  };
}

/** RFC 3339 has no later one. */
const lastYear = 9999;

async function findOwner(
  { owner, grants }: Required<Pick<NewApiKey, 'owner' | 'grants'>>,
  manager: Manager,
  { store }: AccessServices,
): Promise<UserRecord> {
  const user = await store.users.findByName({ name: owner });
  if (user === undefined) throw new HttpError(422, 'malformed-request', `there is no user ${owner}; make it first`);
  const own = readGrants(user.grants);
  // Who has the key acts as that person, also where two are wanted.
  requireRightOver(`user ${owner}`, own, manager);
  const excess = grants.find((grant) => !coversGrant(own, grant));
  if (excess === undefined) return user;
  throw new GatewayError('forbidden', `user ${owner} has not got the role ${describeGrant(excess)}, nor may its keys`);
}

/** @throws GatewayError `not-found`, also for what is outside of the scope */
export async function getApiKey(
  name: string,
  scope: Scope,
  { store }: Pick<AccessServices, 'store'>,
): Promise<OwnedApiKeyRecord> {
  const record = await store.apiKeys.findByName({ name });
  if (record && isVisible(scope, readGrants(record.grants))) return record;
  throw new GatewayError('not-found', `there is no API key ${name}`);
}

/** From the next request on. @throws GatewayError `already-revoked`, `forbidden`, `invalid-state` for the last administrator's */
export async function revokeApiKey(
  record: OwnedApiKeyRecord,
  manager: Manager,
  services: AccessServices,
): Promise<OwnedApiKeyRecord> {
  const { store, clock } = services;
  const { id, name, isAdministrator: isOfAdministrator, revokedAt } = record;
  requireRightOver(`API key ${name}`, readGrants(record.grants), manager);
  if (revokedAt !== null) throw alreadyRevoked(name);
  const now = clock.now();
  const at = now.getTime();
  const isStillOne = isOfAdministrator === 1 && (record.expiresAt === null || record.expiresAt > at);
  try {
    await commitAccess(
      {
        statements: [store.apiKeys.revoke({ id, at }), ...(isStillOne ? [await administratorGuard(services)] : [])],
        audit: [eventOf('api-key.revoked', record, manager, now, {})],
      },
      services,
    );
  } catch (error) {
    throw error instanceof GatewayError && error.code === 'already-revoked' ? alreadyRevoked(name) : error;
  }
  return { ...record, revokedAt: at };
}

function alreadyRevoked(name: string): GatewayError {
  return new GatewayError('already-revoked', `API key ${name} is revoked already`);
}

function eventOf(
  action: AuditAction,
  { id, name, grants }: ApiKeyRecord,
  { actor }: Manager,
  at: Date,
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  const about = { apiKey: name, ...divisionOf(readGrants(grants)) };
  return createActionRecord(actor, { at, action, subject: id, details: { ...about, ...details } });
}
