/** Credentials made, changed, revoked and removed one by one, beside the configuration document: all kinds in one way. */
import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../audit/actor.js';
import { type AuditAction, createActionRecord } from '../audit/audit-record.js';
import type { Clock } from '../clock.js';
import { GatewayError, HttpError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { Sealing } from '../keys/sealing.js';
import type { ConfiguredKind, CredentialConfig } from '../model/credential.js';
import type { AuditRecord, Statement } from '../store/change.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';
import {
  type CredentialConditions,
  CredentialProblem,
  conditionColumns,
  newCredentialRecord,
  prepareCredential,
  showCredential,
} from './credential-definition.js';
import { differencesBetween } from './differences.js';
import { type CredentialName, getCredential } from './find-credentials.js';
import { inTurn } from './in-turn.js';
import { readStoredCatalog } from './stored.js';

export interface CredentialDependencies {
  readonly store: Pick<Store, 'catalog' | 'credentials' | 'commit'>;
  readonly sealing: Sealing;
  readonly passcodeLookup: PasscodeLookup;
  readonly clock: Clock;
  readonly actor: Actor;
}

/**
 * Makes credentials of one kind, all or none.
 * @param configs with their secrets
 * @throws CredentialProblem; GatewayError `not-found` where there is no such authentication policy, `duplicate-request` for a
 * name that is taken
 */
export async function createCredentials(
  { authenticationPolicy, configs }: { readonly authenticationPolicy: string; readonly configs: CredentialConfig[] },
  dependencies: CredentialDependencies,
): Promise<CredentialRecord[]> {
  const { store, sealing, passcodeLookup, clock } = dependencies;
  const prepared = configs.map((config) => prepareCredential(authenticationPolicy, config, passcodeLookup));
  return await inTurn(store, async () => {
    const at = clock.now();
    const records = prepared.map((each) => newCredentialRecord(each, { source: 'command', at, sealing }));
    for (const record of records) await requireSoleLookup(record, store);
    await store.commit({
      statements: [
        store.catalog.require({ kind: 'authentication-policy', name: authenticationPolicy }),
        ...(await bumpsFor(records, store)),
        ...records.map((record) => store.credentials.insert(record)),
        ...records.flatMap((record) => soleLookupGuards(record, store)),
      ],
      audit: [
        await auditOf(
          'credential.created',
          { authenticationPolicy, kind: records[0]?.kind, names: records.map(({ name }) => name), ...about(records) },
          at,
          dependencies,
        ),
      ],
    });
    return records;
  });
}

/**
 * Changes when, from where, for whom and how often a credential may be used.
 * @param edit what it is to be, seeing what it is; called again where something else was changed meanwhile
 * @throws CredentialProblem; GatewayError `not-found`, `invalid-state` for one that is revoked; HttpError 412 when it was changed
 * meanwhile
 */
export async function changeCredential(
  which: CredentialName,
  edit: (record: CredentialRecord) => CredentialConditions,
  dependencies: CredentialDependencies,
): Promise<CredentialRecord> {
  const { store, clock } = dependencies;
  let seen: CredentialRecord | undefined;
  return await inTurn(store, async () => {
    const expected = await store.catalog.version();
    const record = await getCredential(which, store);
    seen ??= record;
    if (!isDeepStrictEqual(conditionsPart(seen), conditionsPart(record))) throw changedMeanwhile();
    if (record.revokedAt !== null) {
      throw new GatewayError('invalid-state', `the credential ${which.name} was revoked, and stays as it is`);
    }
    const changed = { ...record, ...conditionColumns(edit(record)) };
    const differences = differencesBetween(showCredential(record), showCredential(changed));
    if (differences.length === 0) return record;
    const details = { ...which, kind: record.kind, differences };
    await store.commit({
      statements: [store.catalog.bumpVersion({ expected }), store.credentials.replace(changed)],
      audit: [await auditOf('credential.changed', details, clock.now(), dependencies)],
    });
    return changed;
  });
}

/**
 * Revokes a credential for good; its name stays taken.
 * @param kind the kind that it has to be of, if that matters
 * @throws GatewayError `not-found`, `invalid-state` when it was revoked before
 */
export async function revokeCredential(
  which: CredentialName,
  dependencies: CredentialDependencies,
  kind?: ConfiguredKind,
): Promise<CredentialRecord> {
  const { store, clock } = dependencies;
  return await inTurn(store, async () => {
    const expected = await store.catalog.version();
    const record = await getCredential(which, store, kind);
    if (record.revokedAt !== null) {
      throw new GatewayError('invalid-state', `the credential ${which.name} was revoked before`);
    }
    const now = clock.now();
    const at = now.getTime();
    await store.commit({
      statements: [store.catalog.bumpVersion({ expected }), store.credentials.revoke({ id: record.id, at })],
      audit: [await auditOf('credential.revoked', { ...which, kind: record.kind }, now, dependencies)],
    });
    return { ...record, revokedAt: at };
  });
}

/**
 * Removes a credential that was made by mistake, as if it had never been.
 * @throws GatewayError `not-found`, `invalid-state` when it was used or a policy names it
 */
export async function removeCredential(
  which: CredentialName,
  check: (record: CredentialRecord) => void,
  dependencies: CredentialDependencies,
): Promise<void> {
  const { store, clock } = dependencies;
  await inTurn(store, async () => {
    const expected = await store.catalog.version();
    const record = await getCredential(which, store);
    check(record);
    if (record.uses > 0) {
      throw new GatewayError('invalid-state', `the credential ${which.name} was used; revoke it instead`);
    }
    await requireUnnamed(which, store);
    await store.commit({
      statements: [store.catalog.bumpVersion({ expected }), store.credentials.removeUnused({ id: record.id })],
      audit: [await auditOf('credential.removed', { ...which, kind: record.kind }, clock.now(), dependencies)],
    });
  });
}

/** Policies name credentials whose holders may do more than others. */
async function requireUnnamed({ authenticationPolicy, name }: CredentialName, store: Pick<Store, 'catalog'>) {
  const { objects } = await readStoredCatalog(store);
  for (const { value } of objects.policy.values()) {
    const isNamed = value.cmp.registrationAuthorities.includes(name) || value.cmp.crossCertify.includes(name);
    if (value.authenticationPolicy === authenticationPolicy && isNamed) {
      throw new GatewayError('invalid-state', `policy ${value.name} names the credential ${name}; change it first`);
    }
  }
}

export function changedMeanwhile(): HttpError {
  return new HttpError(412, 'invalid-state', 'it was changed meanwhile; read it again');
}

/** Passcodes may be alike, as people choose them; references, key ids and certificates say which credential is meant. */
async function requireSoleLookup(
  { authenticationPolicy, kind, lookup }: CredentialRecord,
  { credentials }: Pick<Store, 'credentials'>,
): Promise<void> {
  if (kind === 'passcode' || lookup === null) return;
  const [twin] = await credentials.findByLookup({ authenticationPolicy, kind, lookup });
  if (twin !== undefined && twin.revokedAt === null) {
    throw new CredentialProblem([], `credential "${twin.name}" of this authentication policy is the same ${kind}`);
  }
}

function soleLookupGuards(record: CredentialRecord, { credentials }: Pick<Store, 'credentials'>): Statement[] {
  const { lookup, kind } = record;
  return lookup === null || kind === 'passcode' ? [] : [credentials.requireSoleLookup({ ...record, lookup })];
}

/** The snapshot has the authentication CAs, and whether there are passcodes at all. */
async function bumpsFor(
  records: readonly CredentialRecord[],
  { catalog, credentials }: Pick<Store, 'catalog' | 'credentials'>,
): Promise<Statement[]> {
  const [first] = records;
  if (first === undefined || !['passcode', 'authentication-ca'].includes(first.kind)) return [];
  const expected = await catalog.version();
  const { kind, authenticationPolicy } = first;
  const isKnown =
    kind === 'passcode' && (await credentials.unrevokedOfKind({ authenticationPolicy, kind, limit: 1 })).length > 0;
  return isKnown ? [] : [catalog.bumpVersion({ expected })];
}

function conditionsPart(record: CredentialRecord) {
  const { usageLimit, notBefore, notAfter, allowedAddresses, registeredValues, revokedAt } = record;
  return { usageLimit, notBefore, notAfter, allowedAddresses, registeredValues, revokedAt };
}

/** Of one credential, or of many that are alike. */
function about([first]: readonly CredentialRecord[]) {
  if (first === undefined) return {};
  const { certificate: _own, identifier: _too, kind: _said, ...conditions } = showCredential(first);
  return { conditions };
}

async function auditOf(
  action: AuditAction,
  details: { readonly authenticationPolicy: string } & Readonly<Record<string, unknown>>,
  at: Date,
  { store, actor }: CredentialDependencies,
): Promise<AuditRecord> {
  const item = await store.catalog.find({ kind: 'authentication-policy', name: details.authenticationPolicy });
  const division: unknown = item === undefined ? undefined : JSON.parse(item.document).division;
  const all = { ...(division === undefined ? {} : { division }), ...details };
  return createActionRecord(actor, { at, action, subject: '', details: all });
}
