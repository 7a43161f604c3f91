/** Passcodes made and revoked one by one, beside the configuration document. */
import { createAuditRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import { randomPasscode } from '../keys/random-passcode.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';

export interface PasscodeDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'commit'>;
  readonly passcodeLookup: PasscodeLookup;
  readonly clock: Clock;
  /** Who acts, for the audit log. */
  readonly actor: string;
}

export interface NewPasscodes {
  readonly authenticationPolicy: string;
  /** With more than one, `-1`, `-2` … are added. */
  readonly name: string;
  readonly count: number;
  readonly username?: string;
  /** Given by the operator, for one passcode; otherwise each is random. */
  readonly secret?: string;
  readonly usageLimit?: number;
  readonly expiresInSeconds?: number;
  /** The only device that it may be used for. */
  readonly device?: string;
}

/**
 * Makes passcodes, all or none, and returns them: nobody can read them again.
 * @throws GatewayError `duplicate-request` for a name that is taken
 */
export async function createPasscodes(
  wanted: NewPasscodes,
  { store, passcodeLookup, clock, actor }: PasscodeDependencies,
): Promise<{ readonly name: string; readonly passcode: string }[]> {
  const { authenticationPolicy, count, username, usageLimit, expiresInSeconds, device } = wanted;
  const now = clock.now();
  const at = now.getTime();
  const passcodes = Array.from({ length: count }, (_, index) => ({
    name: count === 1 ? wanted.name : `${wanted.name}-${index + 1}`,
    passcode: wanted.secret ?? randomPasscode(),
  }));
  const common = {
    authenticationPolicy,
    kind: 'passcode',
    username: username ?? null,
    sealed: null,
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
  } as const;
  const inserts = passcodes.map(({ name, passcode }) => {
    const lookup = passcodeLookup(authenticationPolicy, passcode);
    return store.credentials.insert({ ...common, id: createIdentifier(), name, lookup });
  });
  // The first one changes what the snapshot says: whether the policy has passcodes at all.
  const isFirst = (await listPasscodes(authenticationPolicy, store)).every(({ revokedAt }) => revokedAt !== null);
  const bump = isFirst ? [store.catalog.bumpVersion({ expected: await store.catalog.version() })] : [];
  const names = passcodes.map(({ name }) => name);
  await store.commit({
    statements: [...bump, ...inserts],
    audit: [
      createAuditRecord({
        at: now,
        action: 'passcode.created',
        outcome: 'success',
        subject: '',
        details: { actor, authenticationPolicy, names, device: device ?? null },
      }),
    ],
  });
  return passcodes;
}

/** The passcodes of an authentication policy, revoked ones too. */
export async function listPasscodes(
  authenticationPolicy: string,
  store: Pick<Store, 'credentials'>,
): Promise<CredentialRecord[]> {
  const records = await store.credentials.listByPolicy({ authenticationPolicy });
  return records.filter(({ kind }) => kind === 'passcode');
}

/** @throws GatewayError `not-found` if there is no such passcode, or it is revoked already */
export async function revokePasscode(
  { authenticationPolicy, name }: { readonly authenticationPolicy: string; readonly name: string },
  { store, clock, actor }: Omit<PasscodeDependencies, 'passcodeLookup'>,
): Promise<void> {
  const record = await store.credentials.findByName({ authenticationPolicy, name });
  if (record?.kind !== 'passcode' || record.revokedAt !== null) {
    throw new GatewayError('not-found', `authentication policy ${authenticationPolicy} has no valid passcode ${name}`);
  }
  const now = clock.now();
  const at = now.getTime();
  const expected = await store.catalog.version();
  await store.commit({
    statements: [store.catalog.bumpVersion({ expected }), store.credentials.revoke({ id: record.id, at })],
    audit: [
      createAuditRecord({
        at: now,
        action: 'passcode.revoked',
        outcome: 'success',
        subject: '',
        details: { actor, authenticationPolicy, names: [name] },
      }),
    ],
  });
}
