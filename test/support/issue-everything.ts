/** Certificates of every kind that the gateway issues: from all of its templates, configurations, services and CAs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { findCrossCertificate } from '../../src/ca/cross-certificates.js';
import { builtInTemplates } from '../../src/catalog/built-in-templates.js';
import type { ServicePurpose } from '../../src/catalog/service-profiles.js';
import { createOcspResponders } from '../../src/enrollment/ocsp-responders.js';
import { createServiceKeys } from '../../src/enrollment/service-keys.js';
import { certificateProfileSchema } from '../../src/model/certificate-profile.js';
import { certificateTemplateSchema } from '../../src/model/certificate-template.js';
import type { Core } from '../../src/open-core.js';
import type { CompiledProfile } from '../../src/policy/compile-profile.js';
import { compile, decideFor, fullProfile, keysOf, namelessProfile, namesFor } from './full-profile.js';
import type { CertificateKind } from './rfc5280-certificate.js';

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

/** The gateway's own certificates from these CAs, for each purpose, and the OCSP responders of all generations whose keys are here. */
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
  for (const { id, online, certificate: issuer } of core.authority.generations()) {
    if (!online) continue;
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
export async function everyTemplate(
  core: Core,
  issuers: Issuers,
  templates = builtInTemplates(),
): Promise<readonly Specimen[]> {
  const specimens: Specimen[] = [];
  for (const { value: template } of templates) {
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
