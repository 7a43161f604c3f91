/** Answers are signed as their requests are (RFC 9483 3.2), as far as the kind of the gateway's own key allows it. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CmpClient } from '../../support/cmp/client.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { type SignatureName, signatureIdentifier } from '../../support/cmp/signatures.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, type CmpDevice, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey, rsaKey } from '../../support/make-csr.js';
import type { TestGateway } from '../../support/test-gateway.js';

const configuration = `
certificateAuthorities:
  - { name: rsa-ca, subject: "CN=RSA,O=Plant", key: rsa-2048, validity: 10y }
  - { name: edwards-ca, subject: "CN=Edwards,O=Plant", key: ed25519, validity: 10y }
templates:
  - name: every-key
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384, P-521] }, ed25519: true, ed448: true }
    keyUsages: [digitalSignature]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: every-key
    template: every-key
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
`;

const keys = {
  rsa: rsaKey,
  ecdsa: newKey(),
  ed25519: generateKeyPairSync('ed25519'),
  ed448: generateKeyPairSync('ed448'),
} as const;
type Signer = keyof typeof keys;

/** Policies by what issues, and so by the kind of key that signs answers. */
const labels = { ec: 'of-ec', rsa: 'of-rsa', edwards: 'of-edwards' } as const;

let test: TestGateway;
const devices = new Map<Signer, CmpDevice>();
const clients = new Map<string, CmpClient>();

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, configuration);
  const everyKey = 'profiles: [{ usage: operational, profile: every-key }]';
  for (const document of [
    cmpPolicy(labels.ec, 'legacy: true', everyKey),
    cmpPolicy(labels.rsa, 'legacy: true', `${everyKey}, issuingCa: rsa-ca`),
    cmpPolicy(labels.edwards, 'legacy: true', `${everyKey}, issuingCa: edwards-ca`),
    cmpPolicy('old', 'signatureAlgorithms: [rsa-sha512, rsa-sha3-256, ecdsa-sha384, ecdsa-sha512]', everyKey),
  ])
    await applyYaml(test, document);
  for (const label of [...Object.values(labels), 'old']) clients.set(label, createCmpClient(test, { label }));
  for (const kind of ['rsa', 'ecdsa', 'ed25519', 'ed448'] as const) {
    devices.set(kind, await enrolled(test, { label: labels.ec, name: `signer-${kind}`, key: keys[kind] }));
  }
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function clientOf(label: string): CmpClient {
  const client = clients.get(label);
  if (client === undefined) throw new Error(`no client of ${label}`);
  return client;
}

function signedWith(algorithm: SignatureName) {
  const kind =
    algorithm === 'ed25519' || algorithm === 'ed448' ? algorithm : algorithm.startsWith('rsa') ? 'rsa' : 'ecdsa';
  const device = devices.get(kind);
  if (device === undefined) throw new Error(`no signer with a key of kind ${kind}`);
  return { ...device.credential, algorithm };
}

/** The client has verified it by then. */
function expectSignedWith({ message }: CmpOutcome, algorithm: SignatureName): void {
  expect(message?.header.protectionAlg).toEqual(Buffer.from(signatureIdentifier(algorithm)));
}

const sha2 = ['sha224', 'sha256', 'sha384', 'sha512'] as const;
const sha3 = ['sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'] as const;
const shakes = ['shake128', 'shake256'] as const;

interface Row {
  readonly request: SignatureName;
  /** By an EC key. */
  readonly ec: SignatureName;
  /** By an RSA key. */
  readonly rsa: SignatureName;
}

const rows: readonly Row[] = [
  ...sha2.flatMap((hash): Row[] => [
    { request: `rsa-${hash}`, ec: `ecdsa-${hash}`, rsa: `rsa-${hash}` },
    { request: `rsa-pss-${hash}`, ec: `ecdsa-${hash}`, rsa: `rsa-pss-${hash}` },
    { request: `ecdsa-${hash}`, ec: `ecdsa-${hash}`, rsa: `rsa-${hash}` },
  ]),
  // With a key of another kind a client may well not know them.
  ...sha3.flatMap((hash): Row[] => [
    { request: `rsa-${hash}`, ec: 'ecdsa-sha256', rsa: `rsa-${hash}` },
    { request: `rsa-pss-${hash}`, ec: 'ecdsa-sha256', rsa: `rsa-pss-${hash}` },
    { request: `ecdsa-${hash}`, ec: `ecdsa-${hash}`, rsa: 'rsa-sha256' },
  ]),
  ...shakes.flatMap((shake): Row[] => [
    { request: `rsa-pss-${shake}`, ec: 'ecdsa-sha256', rsa: `rsa-pss-${shake}` },
    { request: `ecdsa-${shake}`, ec: `ecdsa-${shake}`, rsa: 'rsa-sha256' },
  ]),
  ...(['rsa-sha1', 'rsa-pss-sha1', 'ecdsa-sha1', 'ed25519', 'ed448'] as const).map(
    (request): Row => ({ request, ec: 'ecdsa-sha256', rsa: 'rsa-sha256' }),
  ),
];

describe('An answer to a signed request', () => {
  it.each(rows)('to $request is $ec by an EC key, $rsa by an RSA key, and Ed25519 by such a key', async (row) => {
    const credential = signedWith(row.request);
    const ask = (label: string) => clientOf(label).genm('caCerts', undefined, { credential });
    const outcomes = await Promise.all([ask(labels.ec), ask(labels.rsa), ask(labels.edwards)]);
    expect(outcomes.map(({ body }) => body?.type)).toEqual(['genp', 'genp', 'genp']);
    const [byEc, byRsa, byEdwards] = outcomes;
    expectSignedWith(byEc, row.ec);
    expectSignedWith(byRsa, row.rsa);
    expectSignedWith(byEdwards, 'ed25519');
  });

  const errors: readonly (readonly [label: string, request: SignatureName, answer: SignatureName])[] = [
    [labels.ec, 'ecdsa-sha3-384', 'ecdsa-sha3-384'],
    [labels.ec, 'rsa-pss-shake256', 'ecdsa-sha256'],
    [labels.rsa, 'rsa-pss-sha384', 'rsa-pss-sha384'],
    [labels.rsa, 'rsa-pss-shake128', 'rsa-pss-shake128'],
    [labels.edwards, 'rsa-sha3-512', 'ed25519'],
  ];

  it.each(errors)(
    '%s: that refuses what is in the body of one by %s is signed by %s',
    async (label, request, answer) => {
      const wish = { key: newKey(), subject: 'CN=x', credential: signedWith(request), certReqId: 1 };
      const refusal = { body: 'cp', failInfo: 'badRequest', code: 'malformed-request' } as const;
      expectSignedWith(await expectRejected(test, () => clientOf(label).cr(wish), refusal), answer);
    },
  );

  it.each(errors)('%s: that refuses the header of one by %s is signed by %s', async (label, request, answer) => {
    const wish = { key: newKey(), subject: 'CN=x', credential: signedWith(request), omit: ['senderNonce'] } as const;
    const refusal = { failInfo: 'badSenderNonce', code: 'malformed-request' } as const;
    expectSignedWith(await expectRejected(test, () => clientOf(label).cr(wish), refusal), answer);
  });
});

describe('A policy that accepts few signatures', () => {
  it.each<[SignatureName, SignatureName]>([
    ['rsa-sha512', 'ecdsa-sha512'],
    ['rsa-sha3-256', 'ecdsa-sha384'],
  ])('has answers to %s signed by one of them: %s', async (request, answer) => {
    const outcome = await clientOf('old').genm('caCerts', undefined, { credential: signedWith(request) });
    expect(outcome.body?.type).toBe('genp');
    expectSignedWith(outcome, answer);
  });
});

describe('A refusal of a message whose protection is not known to be good', () => {
  const send = (label: string, credential: Parameters<CmpClient['genm']>[2]) => () =>
    clientOf(label).genm('caCerts', undefined, { unchecked: ['protectionKind'], ...credential });

  it.each<[string, SignatureName]>([
    [labels.ec, 'ecdsa-sha256'],
    [labels.rsa, 'rsa-sha256'],
    [labels.edwards, 'ed25519'],
    ['old', 'ecdsa-sha384'],
  ])('%s: is signed by %s', async (label, answer) => {
    const wrong = send(label, { credential: { ...byMac, secret: 'another secret' } });
    expectSignedWith(await expectRejected(test, wrong, { failInfo: 'badMessageCheck', code: 'bad-secret' }), answer);
    const bare = send(label, { credential: { kind: 'none' } });
    const unprotected = { failInfo: 'badMessageCheck', code: 'invalid-signature' } as const;
    expectSignedWith(await expectRejected(test, bare, unprotected), answer);
  });

  it('has nothing of a signature that does not verify, or that the policy does not accept', async () => {
    const damaged = send(labels.ec, { credential: signedWith('ecdsa-sha3-512'), isDamaged: true });
    const bad = { failInfo: 'badMessageCheck', code: 'invalid-signature' } as const;
    expectSignedWith(await expectRejected(test, damaged, bad), 'ecdsa-sha256');
    const foreign = send('old', { credential: signedWith('ecdsa-sha3-512') });
    const refused = { failInfo: 'badAlg', code: 'unsupported-algorithm' } as const;
    expectSignedWith(await expectRejected(test, foreign, refused), 'ecdsa-sha384');
  });
});
