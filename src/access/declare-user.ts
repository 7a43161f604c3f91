/** Users as a configuration file has them: what makes them so, as a part of one change with the rest of the file. */
import type { Actor } from '../audit/actor.js';
import type { AuditAction } from '../audit/audit-record.js';
import { createIdentifier } from '../identifier.js';
import type { Grant } from '../model/access.js';
import type { UserCertificateRecord, UserRecord } from '../store/access-record.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { type Certificate, fingerprint } from '../x509/certificate.js';
import { isAdministrator, readGrants } from './grants.js';
import { userCertificateRecord } from './user-certificates.js';
import { isActingAdministrator, userEvent } from './users.js';

export interface UserDeclaration {
  readonly name: string;
  readonly displayName?: string | undefined;
  readonly grants: readonly Grant[];
  /** As it is, if absent; a new user is enabled. */
  readonly enabled?: boolean | undefined;
  /** All of them; as they are, if absent. */
  readonly certificates?: readonly Certificate[];
}

/** A user as it is on record. */
export interface StoredUser {
  readonly record: UserRecord;
  readonly certificates: readonly UserCertificateRecord[];
}

interface DeclaredChange {
  /** Of certificates: before the statements of all users, so that one can go from one user to another. */
  readonly removals: readonly Statement[];
  readonly statements: readonly Statement[];
  /** Whether the change needs the guard of the last solution administrator, after all its statements. */
  readonly takesAdministrator: boolean;
  readonly audit: readonly AuditRecord[];
}

interface DeclarationServices {
  readonly store: Store;
  readonly now: Date;
  readonly actor: Actor;
}

export function userChange(
  wanted: UserDeclaration,
  stored: StoredUser | undefined,
  services: DeclarationServices,
): DeclaredChange {
  return stored === undefined ? creation(wanted, services) : replacement(wanted, stored, services);
}

function creation(wanted: UserDeclaration, { store, now, actor }: DeclarationServices): DeclaredChange {
  const { name, grants, enabled = true, certificates = [] } = wanted;
  const record: UserRecord = {
    id: createIdentifier(),
    name,
    ...columnsOf(wanted),
    password: null,
    enabled: enabled ? 1 : 0,
    createdAt: now.getTime(),
    updatedAt: now.getTime(),
    lastSeenAt: null,
  };
  const event = eventsOf(record, actor, now);
  const added = certificates.map((certificate) => userCertificateRecord(certificate, record.id, now));
  return {
    removals: [],
    statements: [store.users.insert(record), ...added.map((each) => store.users.addCertificate(each))],
    takesAdministrator: false,
    audit: [
      event('user.created', { grants, hasPassword: false, enabled }),
      ...added.map((each) => event('user.certificate-added', described(each))),
    ],
  };
}

function replacement(
  wanted: UserDeclaration,
  { record: seen, certificates: present }: StoredUser,
  { store, now, actor }: DeclarationServices,
): DeclaredChange {
  const { id, updatedAt: seenAt } = seen;
  const { displayName, grants, enabled = seen.enabled === 1, certificates } = wanted;
  const at = now.getTime();
  const record: UserRecord = {
    ...seen,
    ...columnsOf(wanted),
    enabled: enabled ? 1 : 0,
    updatedAt: Math.max(at, seenAt + 1),
  };
  const event = eventsOf(record, actor, now);
  const kept = certificates && new Set(certificates.map(({ der }) => fingerprint(der)));
  const removed = present.filter((each) => kept?.has(each.fingerprint) === false);
  const known = new Set(present.map((each) => each.fingerprint));
  const added = (certificates ?? [])
    .filter(({ der }) => !known.has(fingerprint(der)))
    .map((certificate) => userCertificateRecord(certificate, id, now));
  const isChanged = record.grants !== seen.grants || record.displayName !== seen.displayName;
  const isSwitched = record.enabled !== seen.enabled;
  const before = readGrants(seen.grants);
  return {
    removals: removed.map((each) => store.users.removeCertificate({ userId: id, fingerprint: each.fingerprint })),
    statements: [store.users.replace({ ...record, seenAt }), ...added.map((each) => store.users.addCertificate(each))],
    takesAdministrator: isActingAdministrator(seen),
    audit: [
      ...(isChanged ? [event('user.changed', { displayName: displayName ?? null, grants, before })] : []),
      ...(isSwitched ? [event(enabled ? 'user.enabled' : 'user.disabled', {})] : []),
      ...removed.map((each) => event('user.certificate-removed', described(each))),
      ...added.map((each) => event('user.certificate-added', described(each))),
    ],
  };
}

function columnsOf({ displayName, grants }: UserDeclaration) {
  return {
    displayName: displayName ?? null,
    grants: JSON.stringify(grants),
    isAdministrator: isAdministrator(grants) ? 1 : 0,
  };
}

function eventsOf(record: UserRecord, actor: Actor, now: Date) {
  return (action: AuditAction, details: Readonly<Record<string, unknown>>) =>
    userEvent(action, record, { actor }, now, details);
}

function described({ fingerprint: hex, subject }: UserCertificateRecord) {
  return { fingerprint: hex, subject };
}
