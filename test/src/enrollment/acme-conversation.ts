/** What the core does for ACME, asked for directly: accounts, names, certificates and revocations. */

import { expect } from '@jest/globals';
import { createAccountStore } from '../../../protocols/acme/store/accounts.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { openAccount } from '../../../src/enrollment/open-account.js';
import type { AccountOpening, EnrollmentRequest, NamesRequest } from '../../../src/enrollment/request.js';
import { requireNames } from '../../../src/enrollment/require-names.js';
import { revokeByMessage } from '../../../src/enrollment/revoke-by-message.js';
import { createIdentifier } from '../../../src/identifier.js';
import type { AcmeIdentifier } from '../../../src/model/acme.js';
import type { PresentedCredential } from '../../../src/model/presented-credential.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { encodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { applyYaml, fleet, policyLike, yamlPem } from '../../support/fleet.js';
import { type KeyPair, newKey, spkiOf } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { countRecords, eventOf } from '../../support/records.js';
import type { TestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

export const remoteAddress = '192.0.2.7';
export const vendor = createManufacturer('Vendor');
const hmacKey = 'QUNNRSBhY2NvdW50IGtleXMgYXJlIHNlY3JldA';

/** An ACME credential of the authentication policy, in YAML's flow style. */
export function accountKey(name: string, changes = ''): string {
  return `{ kind: acme-account-key, name: ${name}, keyId: ${name}, hmacKey: ${hmacKey}${changes === '' ? '' : `, ${changes}`} }`;
}

/** An authentication policy `acme` with these credentials, as a document of its own. */
export function authenticationPolicy(credentials: readonly string[], changes = ''): string {
  return `authenticationPolicies:\n  - { name: acme, division: plant, ${changes === '' ? '' : `${changes}, `}credentials: [${credentials.join(', ')}] }\n`;
}

/** A policy for ACME with the profile `server`, which takes names from the request and needs no common name. */
export function acmePolicy(name: string, authorization: string, changes = ''): string {
  const own = `methods: [acme], acme: { authorization: ${authorization} }`;
  const authentication = changes.includes('authenticationPolicy:') ? '' : ', authenticationPolicy: acme';
  const profiles = changes.includes('profiles:') ? '' : ', profiles: [{ usage: operational, profile: server }]';
  return policyLike(name, `${own}${authentication}${profiles}${changes === '' ? '' : `, ${changes}`}`);
}

const profiles = `
templates:
  - name: server
    keys: { ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [serverAuth]
    subjectAttributes: [commonName, serialNumber]
    subjectAltNames: [dns, ip]
    maximumValidity: 1y
profiles:
  - name: server
    template: server
    subject:
      - { attribute: commonName, source: request }
      - { attribute: serialNumber, source: request }
    subjectAltNames:
      - { type: dns, source: request, wildcard: true }
      - { type: ip, source: request }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [serverAuth]
    validity: 90d
`;

/**
 * Policies `challenges`, `external` and `both` by how accounts are authorized, with account keys `many`, `once`, `bound` (to
 * the device pump-1), `expiring` and `elsewhere`, and {@link vendor}'s CA.
 */
export async function startAcmeFleet(clock: TestClock): Promise<TestGateway> {
  const test = await startTestGateway({ configuration: fleet, clock });
  const until = new Date(clock.now().getTime() + 3_600_000).toISOString();
  const credentials = [
    accountKey('many'),
    accountKey('once', 'usageLimit: 1'),
    accountKey('bound', 'registeredValues: { device: pump-1 }'),
    accountKey('expiring', `notAfter: "${until}"`),
    accountKey('elsewhere', 'allowedAddresses: [198.51.100.0/24]'),
    '{ kind: passcode, name: code, secret: some-passcode }',
    `{ kind: authentication-ca, name: vendor, certificate: ${yamlPem(vendor.certificate)} }`,
  ];
  await applyYaml(test, profiles + authenticationPolicy(credentials));
  await applyYaml(test, acmePolicy('challenges', 'challenges'));
  await applyYaml(test, acmePolicy('external', 'externalAccount'));
  await applyYaml(test, acmePolicy('both', 'both'));
  return test;
}

/** The id of a credential of the authentication policy `acme`. */
export async function credentialId({ gateway }: TestGateway, name: string, policy = 'acme'): Promise<string> {
  const record = await gateway.core.store.credentials.findByName({ authenticationPolicy: policy, name });
  if (record === undefined) throw new Error(`no credential ${name}`);
  return record.id;
}

/** Revokes a credential, as the command does. */
export async function revokeCredential(test: TestGateway, name: string): Promise<void> {
  const { store, clock, holder } = test.gateway.core;
  const expected = await store.catalog.version();
  const revoke = store.credentials.revoke({ id: await credentialId(test, name), at: clock.now().getTime() });
  await store.commit({ statements: [store.catalog.bumpVersion({ expected }), revoke], audit: [] });
  await holder.refresh();
}

export function dnsIdentifiers(...values: readonly string[]): readonly AcmeIdentifier[] {
  return values.map((value) => ({ type: 'dns', value }));
}

type PresentedAccount = Extract<PresentedCredential, { kind: 'acme-account' }>;

/** What an account's signature presents. */
export function account(changes: Partial<PresentedAccount> = {}): PresentedAccount {
  return { kind: 'acme-account', account: createIdentifier(), identifiers: [], ...changes };
}

/** A binding that fits where the secret is the one of all account keys. */
export function binding(keyId: string, key = hmacKey): NonNullable<AccountOpening['binding']> {
  const wanted = Buffer.from(key, 'base64url');
  const verify = async (known: Uint8Array) => Buffer.compare(known, wanted) === 0;
  return { kind: 'mac', secretKind: 'acme-account-key', reference: Buffer.from(keyId), verify };
}

interface Opened {
  readonly id: string;
  readonly requestId: string;
  /** Undefined before anything was asked of the protocol. */
  externalAccount?: string | undefined;
}

/** Opens an account, with a record of its own as the protocol keeps it. */
export async function open(test: TestGateway, label: string, changes: Partial<AccountOpening> = {}): Promise<Opened> {
  const accounts = createAccountStore(test.gateway.core.store.database);
  const opened: Opened = { id: changes.account ?? createIdentifier(), requestId: createIdentifier() };
  await openAccount(
    {
      protocol: 'acme',
      label,
      account: opened.id,
      details: { key: 'thumbprint', contacts: ['mailto:admin@example.com'] },
      remoteAddress,
      requestId: opened.requestId,
      accompanying: (externalAccount) => {
        opened.externalAccount = externalAccount;
        return [accounts.insert(recordOfAccount(opened.id, label, externalAccount))];
      },
      ...changes,
    },
    test.gateway.core,
  );
  return opened;
}

function recordOfAccount(id: string, policy: string, externalAccount: string | undefined) {
  return {
    id,
    policy,
    keyThumbprint: id,
    jwk: '{}',
    status: 'valid',
    contacts: '[]',
    agreedTerms: null,
    externalAccount: externalAccount ?? null,
    externalAccountBinding: null,
    network: remoteAddress,
    createdAt: 0,
  } as const;
}

export type Wish = Partial<Omit<EnrollmentRequest, 'requested'>> & {
  readonly key?: KeyPair;
  readonly subject?: string;
  readonly names?: readonly GeneralName[];
};

/** The request that an order is finalized with. */
export function request({ key = newKey(), subject = '', names = [], ...changes }: Wish): EnrollmentRequest {
  const value = encodeGeneralNames(names);
  return {
    protocol: 'acme',
    operation: 'enroll',
    transactionId: createIdentifier(),
    requested: {
      subjectPublicKeyInfo: spkiOf(key),
      subject: encodeName(parseName(subject)),
      extensions: names.length === 0 ? [] : [{ id: idCeSubjectAltName, critical: false, value }],
      requestHash: 'sha256',
    },
    credentials: [],
    remoteAddress,
    requestId: createIdentifier(),
    ...changes,
  };
}

export function dns(...values: readonly string[]): readonly GeneralName[] {
  return values.map((value) => ({ type: 'dns', value }));
}

/** The certificate, DER, that a request gets. */
export async function issued({ gateway }: TestGateway, wish: Wish): Promise<Uint8Array> {
  const result = await enroll(request(wish), gateway.core);
  if (result.outcome !== 'issued') throw new Error('not issued');
  return result.certificate;
}

export async function askNames(
  { gateway }: TestGateway,
  label: string,
  names: readonly GeneralName[],
  changes: Partial<NamesRequest> = {},
): Promise<void> {
  const subjectAltNames = encodeGeneralNames(names);
  const asked = { protocol: 'acme', label, subjectAltNames, credentials: [account()], remoteAddress } as const;
  await requireNames({ ...asked, requestId: createIdentifier(), ...changes }, gateway.core);
}

/** Revokes a certificate by what is presented. */
export async function revoke(
  { gateway }: TestGateway,
  label: string,
  certificate: Uint8Array,
  credential: PresentedCredential,
): Promise<string> {
  const { issuer, serialNumber } = decodeCertificate(certificate);
  const requestId = createIdentifier();
  const credentials = [credential];
  const message = { protocol: 'acme', label, issuer, serialNumber, reason: 'keyCompromise' } as const;
  await revokeByMessage({ ...message, credentials, remoteAddress, requestId }, gateway.core);
  return requestId;
}

/** The refusal of a request, which has an event and leaves nothing else. */
export async function refusal(test: TestGateway, wish: Wish): Promise<unknown> {
  const before = await countRecords(test);
  const asked = request(wish);
  const error: unknown = await enroll(asked, test.gateway.core).then(
    () => 'not refused',
    (reason) => reason,
  );
  expect(await countRecords(test)).toEqual(before);
  expect(await eventOf(test, asked)).toMatchObject({ action: 'request.refused', protocol: 'acme' });
  return error;
}

export async function usesOf(test: TestGateway, name: string): Promise<number | undefined> {
  return (await test.gateway.core.store.credentials.findById({ id: await credentialId(test, name) }))?.uses;
}
