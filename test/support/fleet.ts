/** A configuration with EC keys only, for gateways in tests, and ways to change it while they run. */

import { parseDocument } from '../../src/catalog/document.js';
import { createPasscodes } from '../../src/catalog/passcodes.js';
import { applyDocument } from '../../src/declaration/apply.js';
import { planDocument } from '../../src/declaration/plan.js';
import { toPem } from '../../src/x509/pem.js';
import { testActor } from './operator.js';
import type { TestGateway } from './test-gateway.js';

export const fleetPasscode = 'fleet-passcode';

/**
 * A division with an EC hierarchy; the default policy `fleet` takes the passcode {@link fleetPasscode}, which is CMP's secret
 * by the reference `fleet`, and certificates issued under it.
 */
export const fleet = `
divisions: [{ name: plant }]
deviceGroups:
  - { name: pumps, division: plant, policies: [fleet] }
  - { name: valves, division: plant, policies: [fleet] }
certificateAuthorities:
  - { name: root, subject: "CN=Root,O=Plant", key: ec-p384, validity: 20y }
  - { name: devices, parent: root, subject: "CN=Devices,O=Plant", key: ec-p256, validity: 10y, pathLength: 0 }
templates:
  - name: device
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384] }, ed25519: true }
    keyUsages: [digitalSignature, keyEncipherment]
    extendedKeyUsages: [clientAuth, serverAuth]
    subjectAttributes: [commonName, serialNumber, organizationName, organizationalUnitName]
    subjectAltNames: [dns, ip]
    maximumValidity: 1y
profiles:
  - name: device
    template: device
    subject:
      - { attribute: organizationName, source: request }
      - { attribute: organizationalUnitName, source: request, maximum: 2 }
      - { attribute: commonName, source: request, required: true, pattern: "[A-Za-z0-9 .-]+" }
      - { attribute: serialNumber, source: request }
    subjectAltNames:
      - { type: dns, source: request, maximum: 5 }
      - { type: ip, source: request, maximum: 5 }
    keyUsages: [digitalSignature, keyEncipherment]
    extendedKeyUsages: [clientAuth, serverAuth]
    validity: 90d
    renewal: { grace: 7d }
authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: passcode, name: fleet, secret: ${fleetPasscode} }
      - { kind: cmp-secret, name: fleet-cmp, reference: fleet, secret: ${fleetPasscode} }
policies:
  - name: fleet
    division: plant
    default: true
    authenticationPolicy: fleet
    profiles: [{ usage: operational, profile: device }]
    issuingCa: devices
    methods: [est, scep, cmp]
    keyGeneration: [device, gateway]
    defaultGroup: pumps
`;

/** A further policy of {@link fleet}, as a document of its own; `changes` in YAML's flow style, such as `approval: manual`. */
export function policyLike(name: string, changes = ''): string {
  const own = new Map([
    ['authenticationPolicy', 'fleet'],
    ['profiles', '[{ usage: operational, profile: device }]'],
    ['issuingCa', 'devices'],
    ['methods', '[est, scep, cmp]'],
    ['keyGeneration', '[device, gateway]'],
    ['defaultGroup', 'pumps'],
  ]);
  const defaults = [...own].filter(([key]) => !changes.includes(`${key}:`)).map(([key, value]) => `${key}: ${value}`);
  return `policies:\n  - { name: ${name}, division: plant, ${[...defaults, ...(changes === '' ? [] : [changes])].join(', ')} }\n`;
}

/** A further profile of {@link fleet}, which leaves out of certificates what it does not know. */
export const lenientProfile = `
profiles:
  - name: lenient
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    otherExtensions: ignore
    validity: 90d
`;

/** Applies a document to a running gateway, as another process's `gatehouse apply` does, and waits until it is in use. */
export async function applyYaml({ gateway, settings }: TestGateway, text: string): Promise<void> {
  const { core } = gateway;
  const readFile = (path: string): string => {
    throw new Error(`no file ${path}`);
  };
  const document = parseDocument({ file: `${settings.data}/changes.yaml`, text, environment: {}, readFile });
  await applyDocument(await planDocument(document, core), { ...core, actor: testActor });
  await core.holder.refresh();
  await core.ensureCas();
}

interface PasscodeOptions {
  readonly authenticationPolicy?: string;
  readonly usageLimit?: number;
  readonly username?: string;
  readonly device?: string;
  readonly expiresInSeconds?: number;
}

let passcodes = 0;

/** Makes a passcode, as `gatehouse passcode create` does. */
export async function makePasscode(
  { gateway }: TestGateway,
  { authenticationPolicy = 'fleet', ...options }: PasscodeOptions,
): Promise<string> {
  passcodes++;
  const [made] = await createPasscodes(
    { authenticationPolicy, name: `passcode-${passcodes}`, count: 1, ...options },
    { ...gateway.core, actor: testActor },
  );
  if (made === undefined) throw new Error('no passcode was made');
  return made.passcode;
}

/** A certificate as the text of a YAML value. */
export function yamlPem(der: Uint8Array): string {
  return JSON.stringify(toPem('CERTIFICATE', der));
}
