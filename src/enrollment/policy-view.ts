/** What protocols may know of a policy: its settings, and what requests for its certificates have to be like. */
import { isExternalAccountWanted } from '../authentication/acme-account.js';
import { acceptsApiKeys } from '../authentication/manager.js';
import type { ResolvedPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { CompiledProfile } from '../policy/compile-profile.js';
import { selectProfile } from '../policy/select-profile.js';
import type { PolicyView, RequestOutline, WantedName } from '../policy-view.js';
import type { Requester } from './requester.js';

/** Every message asks for it, and it stays as long as the catalog that it comes from. */
const views = new WeakMap<ResolvedPolicy, PolicyView>();

/** The outline in it is of the profile that clients get once they have an identity of their own. */
export function describePolicy(resolved: ResolvedPolicy): PolicyView {
  const view = views.get(resolved) ?? viewOf(resolved);
  views.set(resolved, view);
  return view;
}

function viewOf({ policy, authentication, profiles }: ResolvedPolicy): PolicyView {
  const compiled = profiles.get('operational') ?? profiles.get('intermediate') ?? profiles.get('bootstrap');
  if (compiled === undefined) throw new GatewayError('internal', `policy ${policy.name} has no profile`);
  return {
    name: policy.name,
    methods: policy.methods.filter((method) => authentication.policy.methods.includes(method)),
    scep: policy.scep,
    est: policy.est,
    cmp: policy.cmp,
    acme: policy.acme,
    profiles: entryProfiles(profiles),
    acceptsPasswords: authentication.hasPasscodes,
    acceptsApiKeys: acceptsApiKeys(authentication),
    needsExternalAccount: isExternalAccountWanted(authentication, policy.acme.authorization),
    changeSubjectName: policy.changeSubjectName,
    ...outlineOf(compiled),
  };
}

/** In the order in which they are chosen for who does not choose. */
function entryProfiles(profiles: ResolvedPolicy['profiles']): PolicyView['profiles'] {
  return (['bootstrap', 'operational'] as const).flatMap((usage) => {
    const found = profiles.get(usage)?.profile;
    if (found === undefined) return [];
    return { name: found.name, ...(found.description === undefined ? {} : { description: found.description }) };
  });
}

/** @throws GatewayError as `selectProfile` does: what is refused to a request is not described either. */
export function outlineFor(
  { certificateUsage }: Requester,
  resolved: ResolvedPolicy,
  profileHint: string | undefined,
): RequestOutline {
  const identity = certificateUsage === undefined ? {} : { issuedCertificate: { usage: certificateUsage } };
  return outlineOf(selectProfile(identity, resolved, profileHint === undefined ? {} : { profileHint }).profile);
}

function outlineOf({ profile, template }: CompiledProfile): RequestOutline {
  return {
    keys: template.keys,
    requestHashes: template.requestHashes,
    subject: profile.subject.filter(isForRequest).map((rule) => wanted(rule.attribute, rule)),
    subjectAltNames: profile.subjectAltNames.filter(isForRequest).map((rule) => wanted(rule.type, rule)),
    extensions: profile.extensions
      .filter(({ source }) => source === 'request')
      .map(({ id, required }) => ({ id, required })),
    keyUsages: profile.keyUsages,
    extendedKeyUsages: profile.extendedKeyUsages,
    ca: template.basicConstraints.ca,
  };
}

interface NameRule {
  readonly source: 'fixed' | 'request' | 'device' | 'credential';
  readonly required: boolean;
  readonly value?: string | undefined;
}

/** What the gateway takes from its own records need not be in a request. */
function isForRequest({ source }: NameRule): boolean {
  return source === 'request' || source === 'fixed';
}

function wanted(name: string, { source, required, value }: NameRule): WantedName {
  return { name, required, ...(source === 'fixed' && value !== undefined ? { value } : {}) };
}
