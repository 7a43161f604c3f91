/** Credentials made and revoked one by one, beside the configuration document: what all kinds of them have in common. */
import { type AuditAction, createAuditRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { Statement } from '../store/change.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';

export interface CredentialDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'commit'>;
  readonly clock: Clock;
  /** Who acts, for the audit log. */
  readonly actor: string;
}

/** The kinds that are made so, and how people and the audit log call them. */
const kinds = {
  passcode: { noun: 'passcode', created: 'passcode.created', revoked: 'passcode.revoked' },
  'acme-account-key': { noun: 'ACME key', created: 'acme-key.created', revoked: 'acme-key.revoked' },
} as const satisfies Readonly<Record<string, { noun: string; created: AuditAction; revoked: AuditAction }>>;
export type MadeKind = keyof typeof kinds;

export interface NewCredentials {
  readonly authenticationPolicy: string;
  /** With more than one, `-1`, `-2` … are added. */
  readonly name: string;
  readonly count: number;
  readonly usageLimit?: number;
  readonly expiresInSeconds?: number;
  /** The only device that it may be used for. */
  readonly device?: string;
}

/** What sets one credential apart: its place in the store is ready, and what belongs to its kind. */
interface Made {
  readonly id: string;
  readonly name: string;
}
type OwnFields = Pick<CredentialRecord, 'username' | 'lookup' | 'sealed'>;

/**
 * Makes credentials, all or none.
 * @param make returns what is of the kind's own, for each
 * @param accompanying writes that must stand or fall with them
 * @throws GatewayError `duplicate-request` for a name that is taken
 */
export async function createCredentials(
  kind: MadeKind,
  wanted: NewCredentials,
  make: (made: Made) => OwnFields,
  { store, clock, actor }: CredentialDependencies,
  accompanying: readonly Statement[] = [],
): Promise<void> {
  const { authenticationPolicy, count, usageLimit, expiresInSeconds, device } = wanted;
  const now = clock.now();
  const at = now.getTime();
  const names = Array.from({ length: count }, (_, index) =>
    count === 1 ? wanted.name : `${wanted.name}-${index + 1}`,
  );
  const inserts = names.map((name) => {
    const made = { id: createIdentifier(), name };
    return store.credentials.insert({
      ...made,
      ...make(made),
      authenticationPolicy,
      kind,
      certificate: null,
      usageLimit: usageLimit ?? null,
      uses: 0,
      notBefore: null,
      notAfter: expiresInSeconds === undefined ? null : at + expiresInSeconds * 1000,
      allowedAddresses: null,
      registeredValues: device === undefined ? null : JSON.stringify({ device }),
      createdAt: at,
      revokedAt: null,
      source: 'command',
    });
  });
  await store.commit({
    statements: [...accompanying, ...inserts],
    audit: [
      createAuditRecord({
        at: now,
        action: kinds[kind].created,
        outcome: 'success',
        subject: '',
        details: { actor, authenticationPolicy, names, device: device ?? null },
      }),
    ],
  });
}

/** Those of an authentication policy, revoked ones too. */
export async function listCredentials(
  kind: MadeKind,
  authenticationPolicy: string,
  store: Pick<Store, 'credentials'>,
): Promise<CredentialRecord[]> {
  const records = await store.credentials.listByPolicy({ authenticationPolicy });
  return records.filter((record) => record.kind === kind);
}

/** @throws GatewayError `not-found` if there is none of this kind and name, or it is revoked already */
export async function revokeCredential(
  kind: MadeKind,
  { authenticationPolicy, name }: { readonly authenticationPolicy: string; readonly name: string },
  { store, clock, actor }: CredentialDependencies,
): Promise<void> {
  const { noun, revoked } = kinds[kind];
  const record = await store.credentials.findByName({ authenticationPolicy, name });
  if (record?.kind !== kind || record.revokedAt !== null) {
    throw new GatewayError('not-found', `authentication policy ${authenticationPolicy} has no valid ${noun} ${name}`);
  }
  const now = clock.now();
  const expected = await store.catalog.version();
  await store.commit({
    statements: [
      store.catalog.bumpVersion({ expected }),
      store.credentials.revoke({ id: record.id, at: now.getTime() }),
    ],
    audit: [
      createAuditRecord({
        at: now,
        action: revoked,
        outcome: 'success',
        subject: '',
        details: { actor, authenticationPolicy, names: [name] },
      }),
    ],
  });
}
