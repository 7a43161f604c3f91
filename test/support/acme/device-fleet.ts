/** A gateway whose devices show by attestations which they are and where their keys are (device-attest-01). */
import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import { expect } from '@jest/globals';
import { X509Certificate as OtherCertificate } from '@peculiar/x509';
import type { GeneralName } from '../../../src/x509/general-names.js';
import { type AcmeFleet, externalAccount, startAcmeFleet } from '../acme-fleet.js';
import { applyYaml, policyLike, yamlPem } from '../fleet.js';
import { createManufacturer } from '../manufacturer.js';
import { aikPurpose, attestationCa } from './attestation.js';
import type { AcmeClient, ExternalAccount } from './client.js';
import { hardwareModuleName, permanentIdentifier } from './device-names.js';
import { type Proof, proofOf, type Responders } from './flow.js';
import { base64url } from './jws.js';
import { type Authorization, type Identifier, type Order, readAuthorization, readOrder } from './objects.js';

/** The device of these tests, as orders and as certificates name it. */
export const serial: Identifier = { type: 'permanent-identifier', value: 'SN-4711' };
export const serialName: GeneralName = {
  type: 'otherName',
  typeId: '1.3.6.1.5.5.7.8.3',
  value: permanentIdentifier('SN-4711'),
};
export const hardware: Identifier = { type: 'hardware-module', value: '1.3.6.1.4.1.55555.1:a1b2' };
export const hardwareName: GeneralName = {
  type: 'otherName',
  typeId: '1.3.6.1.5.5.7.8.4',
  value: hardwareModuleName('a1b2'),
};

/** Opens accounts of `attested-and-bound`. */
export const makersAccount: ExternalAccount = { ...externalAccount, keyId: 'makers' };

export interface DeviceFleet extends AcmeFleet {
  /** A client that has an account, bound to an external account where one is given. @param policy default: `attested` */
  account(policy?: string, external?: ExternalAccount): Promise<AcmeClient>;
}

/**
 * Policies `attested` (an attestation is proof enough), `attested-and-bound` (together with an external account), `nameless`
 * (certificates have no name of the device but the common name), `careless` (certificates look like those of a TPM's
 * attestation key) and `elsewhere` (which trusts another maker). Close it.
 */
export async function startDeviceFleet(): Promise<DeviceFleet> {
  const acme = await startAcmeFleet();
  await applyYaml(acme.test, devices);
  for (const [name, setting, profile, authenticationPolicy] of [
    ['attested', '', 'attested', 'makers'],
    ['attested-and-bound', ', authorization: both', 'attested', 'makers'],
    ['nameless', '', 'nameless', 'makers'],
    ['careless', '', 'attestation-key', 'makers'],
    ['elsewhere', '', 'attested', 'other-makers'],
  ] as const) {
    const own = [
      `authenticationPolicy: ${authenticationPolicy}`,
      `profiles: [{ usage: operational, profile: ${profile} }]`,
      'methods: [acme]',
      'keyGeneration: [device]',
      `acme: { ${acme.validation}${setting} }`,
    ];
    await applyYaml(acme.test, policyLike(name, own.join(', ')));
  }
  return {
    ...acme,
    async account(policy = 'attested', external) {
      const client = acme.client(policy);
      const answer = await client.newAccount(external && { externalAccount: external });
      if (answer.status !== 201) throw new Error(`no account: ${answer.text}`);
      return client;
    },
  };
}

/** Proves by an attestation object. */
export function attestedBy(attest: (proof: Proof) => Uint8Array | Promise<Uint8Array>): Responders {
  return { 'device-attest-01': async (proof) => ({ attObj: base64url(await attest(proof)) }) };
}

/** What becomes of an order when its one authorization is answered so, whatever it is. */
export async function answerWith(
  client: AcmeClient,
  identifier: Identifier,
  attest: (proof: Proof) => Uint8Array | Promise<Uint8Array>,
): Promise<{ order: Order; authorization: Authorization }> {
  const placed = await client.newOrder({ identifiers: [identifier] });
  const [url = ''] = readOrder(placed).authorizations;
  const pending = readAuthorization(await client.fetch(url));
  const [challenge] = pending.challenges;
  if (challenge === undefined) throw new Error('no challenge is offered');
  const attObj = base64url(await attest(proofOf(client, pending, challenge)));
  await client.respond(challenge.url, { attObj });
  return {
    order: readOrder(await client.fetch(placed.location ?? '')),
    authorization: readAuthorization(await client.fetch(url)),
  };
}

/** What such an answer comes to when the attestation is refused. */
export function refusedAttestation(detail: string) {
  const type = 'urn:ietf:params:acme:error:badAttestationStatement';
  const error = { type, detail: expect.stringContaining(detail) };
  return {
    order: { status: 'invalid' },
    authorization: { status: 'invalid', challenges: [{ status: 'invalid', error }] },
  };
}

/** DER of a certificate's subjectAltName. */
export function alternativeNamesOf(certificate: X509Certificate): Uint8Array {
  const extension = new OtherCertificate(certificate.raw).getExtension('2.5.29.17');
  return new Uint8Array(extension?.value ?? new ArrayBuffer(0));
}

/** DER SubjectPublicKeyInfo. */
export function keyOf({ publicKey }: X509Certificate): Uint8Array {
  return Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
}

const otherMaker = createManufacturer('Other Maker');

const devices = `
templates:
  - name: attested
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth, "${aikPurpose}"]
    subjectAttributes: [commonName]
    subjectAltNames: [otherName]
    maximumValidity: 1y
profiles:
  - name: attested
    template: attested
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames:
      - { type: otherName, typeId: 1.3.6.1.5.5.7.8.3, source: request }
      - { type: otherName, typeId: 1.3.6.1.5.5.7.8.4, source: request }
    extendedKeyUsages: [clientAuth]
    validity: 90d
  - name: attestation-key
    template: attested
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames:
      - { type: otherName, typeId: 1.3.6.1.5.5.7.8.3, source: request }
    extendedKeyUsages: ["${aikPurpose}"]
    validity: 90d
  - name: nameless
    template: attested
    subject: [{ attribute: commonName, source: request, required: true }]
    extendedKeyUsages: [clientAuth]
    validity: 90d
authenticationPolicies:
  - name: makers
    division: plant
    credentials:
      - { kind: authentication-ca, name: maker, certificate: ${yamlPem(attestationCa)} }
      - { kind: acme-account-key, name: makers-plant, keyId: ${makersAccount.keyId}, hmacKey: ${makersAccount.hmacKey} }
  - name: other-makers
    division: plant
    credentials:
      - { kind: authentication-ca, name: other-maker, certificate: ${yamlPem(otherMaker.certificate)} }
`;
