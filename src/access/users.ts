/** Users: made, changed, disabled and deleted. Every change holds the record that was read against the one on record. */
import { type AuditAction, createActionRecord } from '../audit/audit-record.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { Grant } from '../model/access.js';
import type { UserRecord } from '../store/access-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import {
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
import { hashPassword } from './password.js';
import type { Scope } from './principal.js';
import { type AccessServices, administratorGuard, commitAccess } from './services.js';

export interface NewUser {
  readonly name: string;
  readonly displayName?: string;
  readonly grants: readonly Grant[];
  readonly password?: string;
}

/** @throws GatewayError `duplicate-request`, `forbidden` for more rights than one's own; HttpError 422 for an unknown division */
export async function createUser(
  { name, displayName, grants, password }: NewUser,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const { store, clock, catalog } = services;
  requireGrantable(grants, manager);
  requireDivisions(grants, catalog().divisions);
  const hashed = password === undefined ? null : await hashPassword(password);
  const now = clock.now();
  const record: UserRecord = {
    id: createIdentifier(),
    name,
    displayName: displayName ?? null,
    grants: JSON.stringify(grants),
    isAdministrator: isAdministrator(grants) ? 1 : 0,
    password: hashed,
    enabled: 1,
    createdAt: now.getTime(),
    updatedAt: now.getTime(),
    lastSeenAt: null,
  };
  const details = { grants, hasPassword: hashed !== null };
  try {
    await commitAccess(
      {
        statements: [...divisionGuards(grants, store), store.users.insert(record)],
        audit: [userEvent('user.created', record, manager, now, details)],
      },
      services,
    );
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'duplicate-request')) throw error;
    throw new GatewayError('duplicate-request', `there is a user ${name} already; choose another name`);
  }
  return record;
}

/** @throws GatewayError `not-found`, also for what is outside of the scope */
export async function getUser(
  name: string,
  scope: Scope,
  { store }: Pick<AccessServices, 'store'>,
): Promise<UserRecord> {
  const record = await store.users.findByName({ name });
  if (record && isVisible(scope, readGrants(record.grants))) return record;
  throw new GatewayError('not-found', `there is no user ${name}`);
}

export interface UserChanges {
  /** null takes it away. */
  readonly displayName?: string | null;
  readonly grants?: readonly Grant[];
}

/** @throws GatewayError `forbidden`, `invalid-state` for the last administrator; HttpError 412, 422 */
export async function changeUser(
  seen: UserRecord,
  { displayName, grants }: UserChanges,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  if (grants) {
    requireGrantable(grants, manager);
    requireDivisions(grants, services.catalog().divisions);
  }
  const changes = {
    ...(displayName === undefined ? {} : { displayName }),
    ...(grants ? { grants: JSON.stringify(grants), isAdministrator: isAdministrator(grants) ? 1 : 0 } : {}),
  };
  const details = {
    ...(displayName === undefined ? {} : { displayName }),
    ...(grants ? { grants, before: readGrants(seen.grants) } : {}),
  };
  const accompanying = divisionGuards(grants ?? [], services.store);
  return await replaceUser({ seen, changes, action: 'user.changed', details, accompanying }, manager, services);
}

/** A disabled user, its API keys and its certificates open nothing from the next request on. */
export async function setEnabled(
  seen: UserRecord,
  isEnabled: boolean,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const enabled = isEnabled ? 1 : 0;
  const state = isEnabled ? 'enabled' : 'disabled';
  if (seen.enabled === enabled) throw new GatewayError('invalid-state', `user ${seen.name} is ${state} already`);
  return await replaceUser({ seen, changes: { enabled }, action: `user.${state}` }, manager, services);
}

/** @throws GatewayError `forbidden`; HttpError 412 */
export async function setPassword(
  seen: UserRecord,
  password: string,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const changes = { password: await hashPassword(password) };
  return await replaceUser({ seen, changes, action: 'user.password-set' }, manager, services);
}

/** With its certificates; its API keys are revoked. @throws as a change does */
export async function deleteUser(seen: UserRecord, manager: Manager, services: AccessServices): Promise<void> {
  const { store, clock } = services;
  const { id, name, updatedAt: seenAt } = seen;
  requireRightOver(`user ${name}`, readGrants(seen.grants), manager);
  const now = clock.now();
  const at = now.getTime();
  await commitAccess(
    {
      statements: [
        store.users.removeCertificates({ userId: id }),
        store.users.remove({ id, seenAt }),
        store.apiKeys.revokeOfOwner({ owner: id, at }),
        ...(isActingAdministrator(seen) ? [await administratorGuard(services)] : []),
      ],
      audit: [userEvent('user.deleted', seen, manager, now, {})],
    },
    services,
  );
}

type Changeable = Pick<UserRecord, 'displayName' | 'grants' | 'isAdministrator' | 'password' | 'enabled'>;

interface UserReplacement {
  readonly seen: UserRecord;
  readonly changes?: Partial<Changeable>;
  readonly action: AuditAction;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Writes that belong to it. */
  readonly accompanying?: readonly Statement[];
}

/** @throws GatewayError `forbidden`, `invalid-state` for the last administrator; HttpError 412 */
export async function replaceUser(
  { seen, changes = {}, action, details = {}, accompanying = [] }: UserReplacement,
  manager: Manager,
  services: AccessServices,
): Promise<UserRecord> {
  const { store, clock } = services;
  const { updatedAt: seenAt } = seen;
  requireRightOver(`user ${seen.name}`, readGrants(seen.grants), manager);
  const now = clock.now();
  // Two changes in one millisecond are two.
  const record = { ...seen, ...changes, updatedAt: Math.max(now.getTime(), seenAt + 1) };
  await commitAccess(
    {
      statements: [
        store.users.replace({ ...record, seenAt }),
        ...accompanying,
        ...(isActingAdministrator(seen) ? [await administratorGuard(services)] : []),
      ],
      audit: [userEvent(action, record, manager, now, details)],
    },
    services,
  );
  return record;
}

/** Whether a change of it needs the guard of the last solution administrator. */
export function isActingAdministrator({ isAdministrator: isOne, enabled }: UserRecord): boolean {
  return isOne === 1 && enabled === 1;
}

export function userEvent(
  action: AuditAction,
  { id, name, grants }: UserRecord,
  { actor }: Pick<Manager, 'actor'>,
  at: Date,
  details: Readonly<Record<string, unknown>>,
): AuditRecord {
  const about = { user: name, ...divisionOf(readGrants(grants)) };
  return createActionRecord(actor, { at, action, subject: id, details: { ...about, ...details } });
}
