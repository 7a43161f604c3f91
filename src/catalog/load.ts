/** Makes the stored configuration into the snapshot that everything reads. */

import { formatLabel } from '../model/label.js';
import type { Policy, ProfileUsage } from '../model/policy.js';
import { registeredValuesSchema } from '../model/registered-values.js';
import { type CompiledProfile, compileProfile, ProfileError } from '../policy/compile-profile.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';
import {
  type AuthenticationAnchor,
  type Catalog,
  noAuthentication,
  type ResolvedAuthenticationPolicy,
  type ResolvedPolicy,
} from './catalog.js';
import type { CatalogKind, CatalogObject, CatalogObjects, CatalogTypes } from './objects.js';
import { DocumentError } from './problem.js';
import { readStoredCatalog } from './stored.js';

/** Compiled profiles by name, for as long as neither they nor their templates change. */
export type CompiledProfiles = Map<string, { readonly source: string; readonly compiled: CompiledProfile }>;

/**
 * Loads the stored configuration. Profiles that are in `compiled` and unchanged are taken from there; it is brought up to date.
 * @throws DocumentError if the stored configuration does not fit this version of the gateway
 */
export async function loadCatalog(
  store: Pick<Store, 'catalog' | 'credentials'>,
  compiled: CompiledProfiles = new Map(),
): Promise<Catalog> {
  const { version, objects } = await readStoredCatalog(store);
  const profiles = compileProfiles(objects, compiled);
  const authenticationPolicies = new Map<string, ResolvedAuthenticationPolicy>();
  for (const { name, value } of objects['authentication-policy'].values()) {
    authenticationPolicies.set(name, await resolveAuthentication(value, opensOf(name, objects), store));
  }
  const policies = new Map<string, ResolvedPolicy>();
  for (const { name, value } of objects.policy.values()) {
    policies.set(name, resolvePolicy(value, authenticationPolicies, profiles));
  }
  const defaultPolicy = [...policies.values()].find(({ policy }) => policy.default);
  return {
    version,
    divisions: values(objects, 'division'),
    groups: values(objects, 'device-group'),
    templates: values(objects, 'template'),
    profiles,
    authenticationPolicies,
    policies,
    policiesOfGroups: resolveForGroups(objects, policies, authenticationPolicies),
    certificateAuthorities: values(objects, 'certificate-authority'),
    ...(defaultPolicy === undefined ? {} : { defaultPolicy }),
  };
}

function values<K extends CatalogKind>(objects: CatalogObjects, kind: K): ReadonlyMap<string, CatalogTypes[K]> {
  return new Map([...objects[kind].values()].map((object) => [object.name, object.value]));
}

function compileProfiles(objects: CatalogObjects, compiled: CompiledProfiles): ReadonlyMap<string, CompiledProfile> {
  const profiles = new Map<string, CompiledProfile>();
  for (const object of objects.profile.values()) {
    const template = getReferred(objects.template, object.value.template, `profile "${object.name}"`, 'template');
    const source = JSON.stringify([object.written, template.written]);
    const before = compiled.get(object.name);
    const profile = before?.source === source ? before.compiled : compile(object, template);
    compiled.set(object.name, { source, compiled: profile });
    profiles.set(object.name, profile);
  }
  for (const name of compiled.keys()) {
    if (!profiles.has(name)) {
      compiled.delete(name);
    }
  }
  return profiles;
}

function compile({ value }: CatalogObject<'profile'>, template: CatalogObject<'template'>): CompiledProfile {
  try {
    return compileProfile(value, template.value);
  } catch (error) {
    throw error instanceof ProfileError ? new DocumentError([`stored ${error.message}`]) : error;
  }
}

function opensOf(authenticationPolicy: string, objects: CatalogObjects): ReadonlySet<string> {
  const policies = [...objects.policy.values()].filter((object) => isFor(object.value));
  const groups = [...objects['device-group'].values()].filter((object) => isFor(object.value));
  return new Set([...policies.map(({ name }) => name), ...groups.flatMap(({ value }) => value.policies)]);

  function isFor(value: { readonly authenticationPolicy?: string | undefined }): boolean {
    return value.authenticationPolicy === authenticationPolicy;
  }
}

/** Reads no more than it keeps: there may be any number of passcodes. */
async function resolveAuthentication(
  policy: ResolvedAuthenticationPolicy['policy'],
  opens: ReadonlySet<string>,
  { credentials }: Pick<Store, 'credentials'>,
): Promise<ResolvedAuthenticationPolicy> {
  const authenticationPolicy = policy.name;
  const authorities = await credentials.unrevokedOfKind({
    authenticationPolicy,
    kind: 'authentication-ca',
    limit: maximumAnchors,
  });
  const passcodes = await credentials.unrevokedOfKind({ authenticationPolicy, kind: 'passcode', limit: 1 });
  return { policy, anchors: authorities.flatMap(anchorOf), hasPasscodes: passcodes.length > 0, opens };
}

/** Of one authentication policy. */
const maximumAnchors = 1000;

function anchorOf(record: CredentialRecord): AuthenticationAnchor[] {
  if (record.certificate === null) return [];
  const { id, name, certificate, notBefore, notAfter, allowedAddresses, registeredValues } = record;
  return [
    {
      credentialId: id,
      name,
      certificate,
      ...(notBefore === null ? {} : { notBefore: new Date(notBefore) }),
      ...(notAfter === null ? {} : { notAfter: new Date(notAfter) }),
      ...(allowedAddresses === null ? {} : { allowedAddresses: JSON.parse(allowedAddresses) }),
      ...(registeredValues === null
        ? {}
        : { registeredValues: registeredValuesSchema.parse(JSON.parse(registeredValues)) }),
    },
  ];
}

function resolvePolicy(
  policy: Policy,
  authenticationPolicies: ReadonlyMap<string, ResolvedAuthenticationPolicy>,
  profiles: ReadonlyMap<string, CompiledProfile>,
): ResolvedPolicy {
  const from = `policy "${policy.name}"`;
  const authentication =
    policy.authenticationPolicy === undefined
      ? noAuthentication
      : getReferred(authenticationPolicies, policy.authenticationPolicy, from, 'authentication policy');
  const byUsage = new Map<ProfileUsage, CompiledProfile>(
    policy.profiles.map(({ usage, profile }) => [usage, getReferred(profiles, profile, from, 'profile')]),
  );
  return { policy, authentication, profiles: byUsage };
}

function resolveForGroups(
  objects: CatalogObjects,
  policies: ReadonlyMap<string, ResolvedPolicy>,
  authenticationPolicies: ReadonlyMap<string, ResolvedAuthenticationPolicy>,
): ReadonlyMap<string, ResolvedPolicy> {
  const resolved = new Map<string, ResolvedPolicy>();
  for (const { name: group, value } of objects['device-group'].values()) {
    if (value.authenticationPolicy === undefined) continue;
    const from = `device group "${group}"`;
    const authentication = getReferred(
      authenticationPolicies,
      value.authenticationPolicy,
      from,
      'authentication policy',
    );
    for (const name of value.policies) {
      resolved.set(formatLabel(name, group), { ...getReferred(policies, name, from, 'policy'), authentication });
    }
  }
  return resolved;
}

function getReferred<T>(table: ReadonlyMap<string, T>, name: string, from: string, what: string): T {
  const found = table.get(name);
  if (found === undefined) {
    throw new DocumentError([`stored ${from} names the ${what} "${name}", which is not there`]);
  }
  return found;
}
