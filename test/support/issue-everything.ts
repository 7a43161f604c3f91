/** Certificates of every kind that the gateway issues: from all of its templates, configurations, services and CAs. */
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { findCrossCertificate } from '../../src/ca/cross-certificates.js';
import { builtInTemplates } from '../../src/catalog/built-in-templates.js';
import type { ServicePurpose } from '../../src/catalog/service-profiles.js';
import { createOcspResponders } from '../../src/enrollment/ocsp-responders.js';
import { createServiceKeys } from '../../src/enrollment/service-keys.js';
import { type CertificateProfile, certificateProfileSchema } from '../../src/model/certificate-profile.js';
import { type CertificateTemplate, certificateTemplateSchema } from '../../src/model/certificate-template.js';
import type { Core } from '../../src/open-core.js';
import { type CompiledProfile, compileProfile } from '../../src/policy/compile-profile.js';
import { decide, type PolicyDecision } from '../../src/policy/decide.js';
import type { GeneralName } from '../../src/x509/general-names.js';
import { type Case, device, makeInput, name, spki } from '../src/policy/make-case.js';
import type { CertificateKind } from './rfc5280-certificate.js';
import { asn1 } from './strict-asn1.js';

/** One certificate. */
export interface Specimen {
  readonly name: string;
  readonly kind: CertificateKind;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER certificate of whoever issued it; its own, if it is a root. */
  readonly issuer: Uint8Array;
  /** The generation that issued it. */
  readonly issuerId: string;
}

/** The CA generations of a core: roots, those below, and the cross-certificates between the generations of a root. */
export async function everyAuthority({ authority, store }: Core): Promise<readonly Specimen[]> {
  const generations = authority.generations();
  const specimens: Specimen[] = generations.map(({ id, parent, certificate }) => {
    const issuer = parent === null ? certificate : authority.generation(parent)?.certificate;
    if (issuer === undefined) throw new Error(`${id} has no issuer`);
    const kind = parent === null ? 'root' : 'ca';
    return { name: `CA ${id}`, kind, certificate: certificate.der, issuer: issuer.der, issuerId: parent ?? id };
  });
  for (const subject of generations) {
    for (const issuer of generations.filter(({ ca, id }) => ca === subject.ca && id !== subject.id)) {
      const der = await findCrossCertificate(subject, issuer.id, store);
      const name = `cross-certificate of ${subject.id} by ${issuer.id}`;
      const { certificate } = issuer;
      if (der) specimens.push({ name, kind: 'ca', certificate: der, issuer: certificate.der, issuerId: issuer.id });
    }
  }
  return specimens;
}

/** The gateway's own certificates from these CAs, for each purpose. */
export async function everyService(core: Core, cas: readonly string[]): Promise<readonly Specimen[]> {
  const serviceKeys = createServiceKeys(core);
  const specimens: Specimen[] = [];
  for (const issuingCa of cas) {
    for (const purpose of servicePurposes) {
      const names = ['gate.example', 'gate-2.example', '192.0.2.7', '2001:db8::7'];
      const { certificate } = await serviceKeys.get({ purpose, issuingCa, names });
      specimens.push(specimenOf(`service ${purpose} of ${issuingCa}`, 'end-entity', certificate, issuingCa, core));
    }
  }
  const findResponder = createOcspResponders(core, serviceKeys);
  for (const { id, certificate: issuer } of core.authority.generations()) {
    const { certificate } = await findResponder(id);
    const name = `OCSP responder of ${id}`;
    specimens.push({ name, kind: 'ocsp-responder', certificate, issuer: issuer.der, issuerId: id });
  }
  return specimens;
}

const servicePurposes: readonly ServicePurpose[] = [
  'tls-server',
  'key-generation',
  'cmc',
  'cmp',
  'cmp-encryption',
  'scep-ra',
];

/** Certificates within all built-in templates, for all keys that they permit: with all that they permit, and with as little as can be. */
export async function everyTemplate(core: Core, issuers: Issuers): Promise<readonly Specimen[]> {
  const specimens: Specimen[] = [];
  for (const { value: template } of builtInTemplates()) {
    const profiles = [fullProfile(template), ...(template.basicConstraints.ca ? [] : [namelessProfile(template)])];
    for (const profile of profiles.map((written) => compile(written, [template]))) {
      for (const [kind, key] of keysOf(template)) {
        const order = { name: `${profile.name}, ${kind}`, profile, spki: key, issuers, specimens };
        specimens.push(await issue(order, core));
      }
    }
  }
  return specimens;
}

/** Certificates of all profiles of the configurations that come with the gateway, from a folder. */
export async function everyConfiguration(core: Core, folder: string, issuers: Issuers): Promise<readonly Specimen[]> {
  const examples = readdirSync(join(folder, 'examples')).map((file) => join('examples', file));
  const specimens: Specimen[] = [];
  for (const file of ['quickstart.yaml', ...examples]) {
    const { templates, profiles } = configurationSchema.parse(parse(readFileSync(join(folder, file), 'utf8')));
    const known = [...builtInTemplates().map(({ value }) => value), ...templates];
    for (const written of profiles) {
      const profile = compile(written, known);
      for (const [kind, key] of keysOf(profile.template)) {
        const order = { name: `${file}: ${profile.name}, ${kind}`, profile, spki: key, issuers, specimens };
        specimens.push(await issue(order, core));
      }
    }
  }
  return specimens;
}

/** The CAs that issue, by their names, in turn: to devices, and to CAs of gateways. */
export interface Issuers {
  readonly devices: readonly string[];
  readonly gateways: readonly string[];
}

/** What a policy would decide about a request to a CA. */
export function decideFor(core: Core, ca: string, profile: CompiledProfile, matter: Case): PolicyDecision {
  const usage = profile.template.basicConstraints.ca ? 'intermediate' : 'operational';
  const registered = { ...device, attributes: { ...device.attributes, zone: 'zone-7.example' } };
  const facts = { profile, usage, device: registered, issuer: core.authority.issuer(ca) } as const;
  const identity = { certificateSubject: matter.identity?.certificateSubject ?? name('serialNumber=SN-0017') };
  const input = makeInput({ ...matter, identity, facts });
  return decide({ ...input, now: core.clock.now() });
}

const configurationSchema = z.object({
  templates: z.array(certificateTemplateSchema).default([]),
  profiles: z.array(certificateProfileSchema),
});

interface Order {
  readonly name: string;
  readonly profile: CompiledProfile;
  readonly spki: Uint8Array;
  readonly issuers: Issuers;
  /** Those before it, which say whose turn it is. */
  readonly specimens: readonly Specimen[];
}

async function issue(order: Order, core: Core): Promise<Specimen> {
  const { profile, issuers, specimens } = order;
  const isCa = profile.template.basicConstraints.ca;
  const cas = isCa ? issuers.gateways : issuers.devices;
  const ca = cas[specimens.length % cas.length] ?? '';
  const { subject, alternativeNames } = namesFor(profile);
  const decision = decideFor(core, ca, profile, {
    subject,
    alternativeNames,
    requested: { subjectPublicKeyInfo: order.spki },
  });
  if (decision.outcome !== 'approved') throw new Error(`${order.name}: ${JSON.stringify(decision.trace.at(-1))}`);
  const { der } = await core.authority.issue(decision.issuance);
  return specimenOf(order.name, isCa ? 'ca' : 'end-entity', der, ca, core);
}

function specimenOf(
  name: string,
  kind: CertificateKind,
  certificate: Uint8Array,
  ca: string,
  { authority }: Core,
): Specimen {
  const { id } = authority.issuer(ca);
  const [issuer = certificate] = authority.chain(id);
  return { name, kind, certificate, issuer, issuerId: id };
}

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
function namelessProfile({ name, keyUsages, subjectAltNames }: CertificateTemplate): CertificateProfile {
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
function namesFor({ subject, subjectAltNames, name: profile }: CompiledProfile): {
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

function keysOf({ keys: { rsa, ec, ed25519, ed448 } }: CertificateTemplate): typeof keys {
  const isPermitted = (kind: string) => {
    if (kind === 'RSA') return rsa !== undefined;
    if (kind === 'Ed25519') return ed25519;
    if (kind === 'Ed448') return ed448;
    return ec?.curves.some((curve) => curve === kind) ?? false;
  };
  return keys.filter(([kind]) => isPermitted(kind));
}
