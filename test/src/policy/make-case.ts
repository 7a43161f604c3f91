/** Builds what `decide` takes, from the little that a test is about. */
import { generateKeyPairSync } from 'node:crypto';
import { expect } from '@jest/globals';
import type { z } from 'zod';
import { certificateProfileSchema } from '../../../src/model/certificate-profile.js';
import { certificateTemplateSchema } from '../../../src/model/certificate-template.js';
import type { Device } from '../../../src/model/device.js';
import { deviceGroupSchema } from '../../../src/model/device-group.js';
import { policySchema } from '../../../src/model/policy.js';
import type { RequestedCertificate, RequestedExtension } from '../../../src/model/requested-certificate.js';
import { type CompiledProfile, compileProfile } from '../../../src/policy/compile-profile.js';
import { decide, type PolicyDecision } from '../../../src/policy/decide.js';
import type { DecisionInput } from '../../../src/policy/decision.js';
import type { Facts, IssuerFacts, KnownCertificate } from '../../../src/policy/facts.js';
import type { Identity, UsedCredential } from '../../../src/policy/identity.js';
import { sequence } from '../../../src/x509/der-writer.js';
import {
  decodeExtensions,
  type Extension,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  type KeyUsage,
} from '../../../src/x509/extensions.js';
import { encodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage, idCeSubjectAltName } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';

export const now = new Date('2026-05-04T10:20:30.456Z');
export const day = 86_400_000;

export const ecKey = spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
export const otherEcKey = spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

type TemplateInput = Partial<z.input<typeof certificateTemplateSchema>>;
type ProfileInput = Partial<z.input<typeof certificateProfileSchema>>;
type PolicyInput = Partial<z.input<typeof policySchema>>;

export interface Case {
  readonly template?: TemplateInput;
  readonly profile?: ProfileInput;
  readonly policy?: PolicyInput;
  readonly issuer?: Partial<IssuerFacts>;
  readonly facts?: Partial<Facts>;
  readonly identity?: Partial<Identity>;
  /** No device is on record. */
  readonly isNewDevice?: boolean;
  /** No name for the device was found. */
  readonly isNameless?: boolean;
  /** RFC 4514 text, or DER. */
  readonly subject?: string | Uint8Array;
  readonly alternativeNames?: readonly GeneralName[];
  readonly extensions?: readonly RequestedExtension[];
  readonly requested?: Partial<RequestedCertificate>;
  readonly input?: Partial<DecisionInput>;
}

function makeTemplate(input: TemplateInput = {}) {
  return certificateTemplateSchema.parse({
    name: 'template',
    keys: { rsa: { minimumBits: 2048, maximumBits: 4096 }, ec: { curves: ['P-256', 'P-384'] }, ed25519: true },
    keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extendedKeyUsages: ['clientAuth', 'serverAuth'],
    extensions: ['1.2.3.4', '1.2.3.5'],
    subjectAttributes: [
      'commonName',
      'organizationName',
      'organizationalUnitName',
      'serialNumber',
      'countryName',
      'emailAddress',
    ],
    subjectAltNames: ['dns', 'ip', 'email', 'uri', 'directoryName', 'registeredId', 'otherName'],
    maximumValidity: '2y',
    ...input,
  });
}

function makeProfile(input: ProfileInput = {}) {
  return certificateProfileSchema.parse({
    name: 'profile',
    template: 'template',
    subject: [{ attribute: 'commonName', source: 'request' }],
    subjectAltNames: [{ type: 'dns', source: 'request' }],
    extendedKeyUsages: ['clientAuth'],
    validity: '90d',
    ...input,
  });
}

export function compile(profile?: ProfileInput, template?: TemplateInput): CompiledProfile {
  return compileProfile(makeProfile(profile), makeTemplate(template));
}

export function makePolicy(input: PolicyInput = {}) {
  return policySchema.parse({
    name: 'policy',
    division: 'division',
    authenticationPolicy: 'authentication',
    profiles: [{ usage: 'operational', profile: 'profile' }],
    issuingCa: 'ca',
    methods: ['est'],
    defaultGroup: 'devices',
    ...input,
  });
}

export const group = deviceGroupSchema.parse({ name: 'devices', division: 'division' });

export const device: Device = {
  id: 'device-id',
  division: 'division',
  name: 'device-1',
  group: 'devices',
  state: 'operational',
  identifiers: { mac: '00:11:22:33:44:55' },
  attributes: { site: 'Ulm' },
  updatedAt: 0,
};

export const credential: UsedCredential = { id: 'c1', kind: 'passcode', name: 'pass-1', username: 'user-1' };

export const known: KnownCertificate = {
  issuerId: 'ca-1',
  serialNumber: '0a',
  policy: 'policy',
  usage: 'operational',
  deviceId: 'device-id',
  subject: name('CN=device-1'),
  status: 'valid',
  notAfter: new Date(now.getTime() + 30 * day),
  requester: 'passcode:c1',
};

export function makeInput(matter: Case = {}): DecisionInput {
  const { subject = 'CN=device-1', alternativeNames = [], extensions = [] } = matter;
  const san = alternativeNames.length === 0 ? [] : [subjectAltName(alternativeNames)];
  const policy = makePolicy(matter.policy);
  return {
    requested: {
      subjectPublicKeyInfo: ecKey,
      subject: typeof subject === 'string' ? name(subject) : subject,
      extensions: [...san, ...extensions],
      requestHash: 'sha256',
      ...matter.requested,
    },
    operation: 'enroll',
    identity: { requester: 'passcode:c1', credentials: [credential], ...matter.identity },
    facts: {
      policy,
      usage: 'operational',
      profile: compile(matter.profile, matter.template),
      issuer: {
        id: 'ca-1',
        keyAlgorithm: 'ec',
        notBefore: new Date(now.getTime() - 3650 * day),
        notAfter: new Date(now.getTime() + 3650 * day),
        backdateSeconds: 60,
        issueIntermediates: false,
        nameConstraints: [],
        ...matter.issuer,
      },
      group,
      isGroupNamed: false,
      ...(matter.isNewDevice === true ? {} : { device }),
      ...(matter.isNameless === true ? {} : { deviceName: 'device-1' }),
      sameKey: [],
      sameDevice: [],
      isCompromisedKey: () => false,
      isCaSubject: () => false,
      approved: false,
      ...matter.facts,
    },
    now,
    ...matter.input,
  };
}

export function decideCase(matter: Case = {}): PolicyDecision {
  return decide(makeInput(matter));
}

type Approval = Extract<PolicyDecision, { outcome: 'approved' }>;

/** The approval, or a failure that shows the reason. */
export function approved(decision: PolicyDecision): Approval {
  if (decision.outcome !== 'approved') throw new Error(`${decision.outcome}: ${JSON.stringify(decision.trace.at(-1))}`);
  return decision;
}

export function expectDenied(decision: PolicyDecision, code: string, fragment: string): void {
  expect(decision).toMatchObject({ outcome: 'denied', code, reason: expect.stringContaining(fragment) });
  expect(decision.trace.at(-1)?.outcome).toBe('denied');
}

/** The extensions of an approval, read again. */
export function extensionsOf({ issuance }: Approval): Extension[] {
  return decodeExtensions(sequence(...issuance.extensions));
}

export function extensionOf(approval: Approval, id: string): Extension | undefined {
  return extensionsOf(approval).find((extension) => extension.id === id);
}

export function name(text: string): Uint8Array {
  return encodeName(parseName(text));
}

export function dns(...values: string[]): GeneralName[] {
  return values.map((value) => ({ type: 'dns', value }));
}

export function subjectAltName(names: readonly GeneralName[]): RequestedExtension {
  return { id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(names) };
}

export function keyUsage(...usages: KeyUsage[]): RequestedExtension {
  return { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) };
}

export function extendedKeyUsage(...ids: string[]): RequestedExtension {
  return { id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage(ids) };
}

export function basicConstraints(ca: boolean, pathLength?: number): RequestedExtension {
  const value = encodeBasicConstraints({ ca, ...(pathLength === undefined ? {} : { pathLength }) });
  return { id: idCeBasicConstraints, critical: true, value };
}

export function spki({ publicKey }: ReturnType<typeof generateKeyPairSync>): Uint8Array {
  return Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
}
