/** What a request and a profile can have at most within a template, for certificates with all of it. */
import { generateKeyPairSync } from 'node:crypto';
import { type CertificateProfile, certificateProfileSchema } from '../../src/model/certificate-profile.js';
import type { CertificateTemplate } from '../../src/model/certificate-template.js';
import type { Core } from '../../src/open-core.js';
import { type CompiledProfile, compileProfile } from '../../src/policy/compile-profile.js';
import { decide, type PolicyDecision } from '../../src/policy/decide.js';
import type { GeneralName } from '../../src/x509/general-names.js';
import { type Case, device, makeInput, name, spki } from '../src/policy/make-case.js';
import { asn1 } from './strict-asn1.js';

/** What a policy would decide about a request to a CA. */
export function decideFor(
  { authority, clock }: Pick<Core, 'authority' | 'clock'>,
  ca: string,
  profile: CompiledProfile,
  matter: Case,
): PolicyDecision {
  const usage = profile.template.basicConstraints.ca ? 'intermediate' : 'operational';
  const registered = { ...device, attributes: { ...device.attributes, zone: 'zone-7.example' } };
  const facts = { profile, usage, device: registered, issuer: authority.issuer(ca) } as const;
  const identity = { certificateSubject: matter.identity?.certificateSubject ?? name('serialNumber=SN-0017') };
  const input = makeInput({ ...matter, identity, facts });
  return decide({ ...input, now: clock.now() });
}

/** @throws Error for a template that is none of these */
export function compile(profile: CertificateProfile, templates: readonly CertificateTemplate[]): CompiledProfile {
  const template = templates.find(({ name }) => name === profile.template);
  if (template === undefined) throw new Error(`no template ${profile.template}`);
  return compileProfile(profile, template);
}

/** With all that the template permits. */
export function fullProfile(template: CertificateTemplate): CertificateProfile {
  const { name, basicConstraints, keyUsages, extendedKeyUsages, subjectAttributes, subjectAltNames } = template;
  return certificateProfileSchema.parse({
    name: `${name}.full`,
    template: name,
    subject: subjectAttributes.map((attribute) => ({ attribute, source: 'request' })),
    subjectAltNames: subjectAltNames.map((type) => ({ type, source: 'request', ...typeIdOf(type) })),
    keyUsages: [...keyUsages],
    extendedKeyUsages: [...extendedKeyUsages],
    certificatePolicies: ['1.3.6.1.4.1.99999.1', '1.3.6.1.4.1.99999.2'],
    validity: `${Math.floor(template.maximumValidity / 86_400)}d`,
    ...(basicConstraints.ca && { pathLength: 0 }),
    ...(template.nameConstraints && { nameConstraints: everyConstraint }),
  });
}

const everyConstraint = {
  permitted: [
    { dns: 'example' },
    { ip: '10.0.0.0/8' },
    { ip: '2001:db8::/32' },
    { email: 'device@example.com' },
    { uri: '.example' },
    { directoryName: 'O=Example' },
    { type: 'dns', source: 'device', field: 'attributes.zone' },
  ],
  excluded: [{ dns: 'secret.example' }, { ip: '10.1.0.0/16' }, { email: '.example' }, { uri: 'host.example' }],
} as const;

/** Of nobody but an alternative name. */
export function namelessProfile({ name, keyUsages, subjectAltNames }: CertificateTemplate): CertificateProfile {
  const [type = 'dns'] = subjectAltNames;
  return certificateProfileSchema.parse({
    name: `${name}.nameless`,
    template: name,
    subjectAltNames: [{ type, source: 'request', ...typeIdOf(type) }],
    keyUsages: keyUsages.slice(0, 1),
    validity: '1d',
  });
}

function typeIdOf(type: string): { readonly typeId?: string } {
  return type === 'otherName' ? { typeId: upn } : {};
}

const upn = '1.3.6.1.4.1.311.20.2.3';

const attributeSamples: Readonly<Record<string, string>> = {
  countryName: 'DE',
  serialNumber: 'SN-0017',
  emailAddress: 'device@example.com',
  domainComponent: 'example',
  organizationName: 'Gerätewerk, Nürnberg',
  dnQualifier: '17',
};

/** Names that fit the profile's rules of requested names. */
export function namesFor({ subject, subjectAltNames, name: profile }: CompiledProfile): {
  readonly subject: string;
  readonly alternativeNames: readonly GeneralName[];
} {
  const host = hosts[profile] ?? 'device-17.example';
  const requested = subject.filter(({ source }) => source.from === 'request');
  const texts = requested.map(({ attribute }) => {
    const sample = attribute.name === 'commonName' ? host : attributeSamples[attribute.name];
    return `${attribute.short}=${(sample ?? attribute.name).replace(',', '\\,')}`;
  });
  const types = subjectAltNames.filter(({ source }) => source.from === 'request');
  // RFC 4514 text begins with what stands last.
  return {
    subject: texts.reverse().join(','),
    alternativeNames: types.map(({ type, typeId }) => nameOf(type, typeId, host)),
  };
}

/** Of the profiles that want a certain one. */
const hosts: Readonly<Record<string, string>> = {
  gate: 'gate-17.gates.example',
  'corp-server': '*.web.corp.example',
  'pump-operational': 'pump-17.pumps.waterworks.example',
  device: 'device-17',
  server: 'server-17.dc.example',
};

function nameOf(type: string, typeId: string | undefined, host: string): GeneralName {
  switch (type) {
    case 'dns':
      return { type, value: host };
    case 'ip':
      return { type, value: '2001:db8::17' };
    case 'email':
      return { type, value: 'device@example.com' };
    case 'uri':
      return { type, value: 'urn:dev:mac:0024befffe804ff1' };
    case 'directoryName':
      return { type, value: name('CN=Device 17,O=Example') };
    case 'registeredId':
      return { type, value: '1.3.6.1.4.1.99999.17' };
    default:
      return { type: 'otherName', typeId: typeId ?? upn, value: asn1(0x0c, 'device-17') };
  }
}

const keys: readonly (readonly [kind: string, spki: Uint8Array])[] = [
  ['RSA', spki(generateKeyPairSync('rsa', { modulusLength: 3072 }))],
  ['P-256', spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }))],
  ['P-384', spki(generateKeyPairSync('ec', { namedCurve: 'P-384' }))],
  ['P-521', spki(generateKeyPairSync('ec', { namedCurve: 'P-521' }))],
  ['Ed25519', spki(generateKeyPairSync('ed25519'))],
  ['Ed448', spki(generateKeyPairSync('ed448'))],
];

/** Those that a template permits, a sample of each kind (DER SubjectPublicKeyInfo). */
export function keysOf({ keys: { rsa, ec, ed25519, ed448 } }: CertificateTemplate): typeof keys {
  const isPermitted = (kind: string) => {
    if (kind === 'RSA') return rsa !== undefined;
    if (kind === 'Ed25519') return ed25519;
    if (kind === 'Ed448') return ed448;
    return ec?.curves.some((curve) => curve === kind) ?? false;
  };
  return keys.filter(([kind]) => isPermitted(kind));
}
