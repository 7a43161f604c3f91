/** What the independent CMP client says to a gateway for fixtures/cmp/own-client: features that openssl lacks. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { encodeKeyUsage, type KeyUsage } from '../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../src/x509/oids.js';
import { toPem } from '../../src/x509/pem.js';
import type { CmpClient, EnrollWish } from '../support/cmp/client.js';
import type { MacWish } from '../support/cmp/macs.js';
import type { CmpCredential } from '../support/cmp/message.js';
import { type CmpOutcome, describe } from '../support/cmp/outcome.js';
import type { PossessionWish } from '../support/cmp/possession.js';
import type { SignatureName } from '../support/cmp/signatures.js';
import { createCmpClient } from '../support/cmp-client.js';
import { signedBy } from '../support/cmp-fleet.js';
import { later, version3 } from '../support/cmp-readers.js';
import { recordedSecrets } from '../support/cmp-recordings.js';
import { extendedKeyUsage } from '../support/make-chain.js';
import { type KeyPair, newKey } from '../support/make-csr.js';
import { createManufacturer } from '../support/manufacturer.js';
import type { TestGateway } from '../support/test-gateway.js';

export interface Conversation {
  /** What was sent, each with its answer. */
  readonly outcomes: readonly CmpOutcome[];
  /** What opens an answer, or signs what follows. */
  readonly key?: KeyObject;
}

const vendor = createManufacturer('Recorded Vendor');
const operator = createManufacturer('Recorded Operator');
const idKpCmcRa = '1.3.6.1.5.5.7.3.28';
const authority = signedBy(operator.device('O=Operator,CN=ra-1', { extensions: [extendedKeyUsage(idKpCmcRa)] }));

/** The configuration that they are recorded with. */
export function configuration(): string {
  return `# What the conversations in this folder were recorded with, and what their first messages are replayed to.
divisions: [{ name: plant }]
deviceGroups: [{ name: stations, division: plant, policies: [recorded] }]
certificateAuthorities:
  - { name: root, subject: "CN=Recorded Root CA,O=Gatehouse Test", key: ec-p384, validity: 20y }
  - { name: issuing, parent: root, subject: "CN=Recorded Issuing CA,O=Gatehouse Test", key: ec-p256, validity: 10y, pathLength: 0 }
templates:
  - name: station
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256] }, x25519: true }
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: station
    template: station
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    validity: 90d
authenticationPolicies:
  - name: recorded
    division: plant
    credentials:
      - { kind: cmp-secret, name: secret, reference: ${byPbmac1.reference}, secret: ${byPbmac1.secret} }
      - { kind: cmp-secret, name: gmac, reference: ${byGmac.reference}, secret: ${byGmac.secret} }
      - kind: authentication-ca
        name: vendor
        certificate: |
${indentedPem(vendor.certificate)}
      - kind: authentication-ca
        name: operator
        certificate: |
${indentedPem(operator.certificate)}
policies:
  - name: recorded
    division: plant
    default: true
    authenticationPolicy: recorded
    profiles: [{ usage: operational, profile: station }]
    issuingCa: issuing
    methods: [cmp]
    keyGeneration: [device, gateway]
    cmp: { registrationAuthorities: [operator] }
    defaultGroup: stations
`;
}

function indentedPem(der: Uint8Array): string {
  return toPem('CERTIFICATE', der).trimEnd().replace(/^/gm, ' '.repeat(10));
}

const byPbmac1 = withSecret('recorded', { type: 'pbmac1' });
const byGmac = withSecret('recorded-gmac', { type: 'gmac', keyBits: 128 });

function withSecret(reference: keyof typeof recordedSecrets, algorithm: MacWish) {
  return { kind: 'mac', reference, secret: recordedSecrets[reference], algorithm } as const;
}

/** A device with a certificate of its vendor's. */
function station(name: string, keyName: string, usages: readonly KeyUsage[], algorithm?: SignatureName) {
  const extensions = [{ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) }];
  const identity = vendor.device(`O=Vendor,CN=${name}`, { extensions, key: keyName });
  return { ...signedBy(identity), ...(algorithm && { algorithm }) };
}

/** By the names of their folders. */
export const conversations: Readonly<Record<string, (test: TestGateway) => Promise<Conversation>>> = {
  pbmac1: enrollment(byPbmac1),
  kmac: enrollment(withSecret('recorded', { type: 'kmac', strength: 256 })),
  gmac: enrollment(byGmac),
  'ecdsa-sha3': signed('sha3-station', 'ecdsa-sha3-256'),
  'ecdsa-shake': signed('shake-station', 'ecdsa-shake128'),
  'rsa-sha3': signed('rsa-sha3-station', 'rsa-sha3-512'),
  'rsa-pss-shake': signed('rsa-shake-station', 'rsa-pss-shake256'),
  'nested-added-protection': nestedAlone,
  'nested-batch': nestedBatch,
  'central-key-kari': centralKey(station('kari-station', 'kari-station', ['digitalSignature', 'keyAgreement'])),
  'central-key-ktri': centralKey(station('ktri-station', 'rsa-ktri-station', ['digitalSignature', 'keyEncipherment'])),
  'central-key-pwri': centralKey(byPbmac1),
  'encrcert-rsa': encryptedCertificate('keyEncipherment', newRsaKey),
  'encrcert-ec': encryptedCertificate('keyAgreement', newKey),
  'encrcert-x25519': encryptedCertificate('keyAgreement', newX25519Key),
  'challenge-rsa-version-2': challenge('keyEncipherment', newRsaKey, {}),
  'challenge-ec': challenge('keyAgreement', newKey, version3),
  'agree-mac': agreeMac,
};

/** An ir and its certConf. */
function enrollment(credential: CmpCredential, wish: EnrollWish = {}) {
  return (test: TestGateway): Promise<Conversation> =>
    withClient(test, credential, async (client) => {
      const outcome = await client.ir({ key: newKey(), subject: subjectOf(credential), ...wish });
      return { outcomes: [outcome, await client.confirm(outcome)] };
    });
}

function signed(name: string, algorithm: SignatureName) {
  const credential = station(name, name, ['digitalSignature'], algorithm);
  return async (test: TestGateway): Promise<Conversation> => ({
    ...(await enrollment(credential)(test)),
    key: credential.privateKey,
  });
}

function nestedAlone(test: TestGateway): Promise<Conversation> {
  return withClient(test, byPbmac1, (device) =>
    withClient(test, authority, async (client) => {
      const inner = device.makeRequest('ir', { key: newKey(), subject: 'CN=behind-ra' });
      const outcome = await client.nested([inner]);
      return { outcomes: [outcome, await device.confirm({ ...outcome, sent: inner })] };
    }),
  );
}

function nestedBatch(test: TestGateway): Promise<Conversation> {
  const vendors = station('batch-station', 'batch-station', ['digitalSignature']);
  return withClient(test, byPbmac1, (device) =>
    withClient(test, authority, async (client) => {
      const wishes: EnrollWish[] = [
        {},
        { credential: vendors },
        { possession: { kind: 'signature', isDamaged: true } },
      ];
      const inner = wishes.map((wish, index) =>
        device.makeRequest('ir', { key: newKey(), subject: `CN=batch-${index + 1}`, ...wish }),
      );
      return { outcomes: [await client.nested(inner)] };
    }),
  );
}

function centralKey(credential: CmpCredential) {
  return async (test: TestGateway): Promise<Conversation> =>
    withClient(test, credential, async (client) => {
      const outcome = await client.ir({ subject: 'CN=central', ...version3 });
      const outcomes = [outcome, await client.confirm(outcome)];
      return { outcomes, ...(credential.kind === 'certificate' && { key: credential.privateKey }) };
    });
}

function encryptedCertificate(use: 'keyEncipherment' | 'keyAgreement', makeKey: () => KeyPair) {
  return (test: TestGateway): Promise<Conversation> =>
    withClient(test, byPbmac1, async (client) => {
      const key = makeKey();
      const possession = later('encrCert', use);
      const outcome = await client.ir({ key, subject: 'CN=reader', possession, ...version3 });
      const certificate = client.openCertificate(outcome, { privateKey: key.privateKey });
      return { outcomes: [outcome, await client.confirm(outcome, { certificate })], key: key.privateKey };
    });
}

function challenge(use: 'keyEncipherment' | 'keyAgreement', makeKey: () => KeyPair, version: EnrollWish) {
  return (test: TestGateway): Promise<Conversation> =>
    withClient(test, byPbmac1, async (client) => {
      const key = makeKey();
      const possession = later('challengeResp', use);
      const popdecc = await client.ir({ key, subject: 'CN=challenged', possession, ...version });
      const outcome = await client.answerChallenges(popdecc, key.privateKey);
      return { outcomes: [popdecc, outcome, await client.confirm(outcome)], key: key.privateKey };
    });
}

function agreeMac(test: TestGateway): Promise<Conversation> {
  const credential = station('agree-station', 'agree-station', ['digitalSignature']);
  return withClient(test, credential, async (client) => {
    const { message } = await client.genm('signKeyPairTypes');
    const [certificate] = message?.extraCerts ?? [];
    if (certificate === undefined) throw new Error('no certificate of the gateway');
    const possession: PossessionWish = { kind: 'agreeMac', caKey: certificate.publicKey };
    const conversation = enrollment(credential, { possession, ...version3 });
    return { ...(await conversation(test)), key: credential.privateKey };
  });
}

function subjectOf(credential: CmpCredential): string {
  return credential.kind === 'mac' ? `CN=by-${credential.algorithm?.type}` : 'CN=by-signature';
}

function newRsaKey(): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function newX25519Key(): KeyPair {
  return generateKeyPairSync('x25519');
}

async function withClient(
  test: TestGateway,
  credential: CmpCredential,
  talk: (client: CmpClient) => Promise<Conversation>,
): Promise<Conversation> {
  const client = createCmpClient(test, { path: '/cmp/recorded', credential });
  try {
    const conversation = await talk(client);
    const last = conversation.outcomes.at(-1);
    if (last?.body?.type !== 'pkiconf' && last?.body?.type !== 'nested')
      throw new Error(`not at its end: ${last && describe(last)}`);
    return conversation;
  } finally {
    client.close();
  }
}
