import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { decodeCertificate, extension } from '../../../src/x509/certificate.js';
import { oid, sequence, tlv } from '../../../src/x509/der-writer.js';
import { encodeKeyUsage, type KeyUsage } from '../../../src/x509/extensions.js';
import { idCeKeyUsage, idCeSubjectKeyIdentifier } from '../../../src/x509/oids.js';
import { keyWish } from '../../support/cmp/cert-template.js';
import type { CmpClient, DeliveredKey, EnrollWish } from '../../support/cmp/client.js';
import type { FailInfo } from '../../support/cmp/identifiers.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  authority,
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  secret,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import type { KeyPair } from '../../support/make-csr.js';
import { by as decision } from '../../support/operator.js';
import { countRecords, eventsOf, firstPendingRequest, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, CmpClient>();
const devices = new Map<string, CmpDevice>();
const clock = createTestClock();

const profiles = `
templates:
  - name: any-key
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384, P-521] }, ed25519: true }
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    subjectAttributes: [commonName]
    maximumValidity: 1y
  - name: large-keys
    keys: { rsa: { minimumBits: 3072 }, ec: { curves: [P-384] } }
    keyUsages: [digitalSignature]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: any-key
    template: any-key
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    usageSource: request
    validity: 90d
  - name: large-keys
    template: large-keys
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
`;

const newRsaKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const newEcKey = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });

/** What a device's first certificate is for. */
const kinds: Readonly<Record<string, { readonly key: () => KeyPair; readonly usages: KeyUsage[] }>> = {
  rsa: { key: newRsaKey, usages: ['digitalSignature', 'keyEncipherment'] },
  'P-256': { key: () => newEcKey(), usages: ['digitalSignature', 'keyAgreement'] },
  'P-384': { key: () => newEcKey('P-384'), usages: ['digitalSignature', 'keyAgreement'] },
  'P-521': { key: () => newEcKey('P-521'), usages: ['digitalSignature', 'keyAgreement'] },
  'signing rsa': { key: newRsaKey, usages: ['digitalSignature'] },
  'signing P-256': { key: () => newEcKey(), usages: ['digitalSignature', 'keyEncipherment'] },
  ed25519: { key: () => generateKeyPairSync('ed25519'), usages: ['digitalSignature'] },
};

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, profiles);
  const anyKey = 'profiles: [{ usage: operational, profile: any-key }]';
  const documents = [
    cmpPolicy('any-key', '', anyKey),
    cmpPolicy('large', '', 'profiles: [{ usage: operational, profile: large-keys }], generatedKey: ec-p384'),
    cmpPolicy('rootless', 'includeRoot: false'),
    cmpPolicy('own-keys', '', 'keyGeneration: [device]'),
    cmpPolicy('manual', '', `approval: manual, pollInterval: 10s, ${anyKey}`),
    `authenticationPolicies:
  - name: fleet
    division: plant
    credentials: [{ kind: cmp-secret, name: once, reference: once, secret: for one certificate, usageLimit: 1 }]
`,
  ];
  for (const document of documents) await applyYaml(test, document);
  for (const [kind, { key, usages }] of Object.entries(kinds)) {
    const extensions = [{ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) }];
    devices.set(kind, await enrolled(test, { label: 'any-key', key: key(), extensions }));
  }
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function device(kind: string): CmpDevice {
  const found = devices.get(kind);
  if (found === undefined) throw new Error(`no device with ${kind}`);
  return found;
}

function client(label = 'any-key', credential: CmpCredential = byMac): CmpClient {
  const name = `${label} ${nameOf(credential)}`;
  const known = clients.get(name) ?? createCmpClient(test, { label, credential });
  clients.set(name, known);
  return known;
}

function nameOf(credential: CmpCredential): string {
  if (credential.kind === 'mac') return credential.reference;
  return credential.kind === 'none' ? 'none' : Buffer.from(credential.chain[0] ?? []).toString('hex');
}

/** A wish for a key from the gateway. */
const central = (wish: EnrollWish = {}): EnrollWish => ({ header: { pvno: 3 }, ...wish });
const wishFor = (like: KeyObject) => ({ template: { publicKey: keyWish(like) } });

function publicKeyOf(outcome: CmpOutcome) {
  return issuedBy(outcome).publicKey.export({ type: 'spki', format: 'der' });
}

/** The key of an answer, which belongs to the certificate. */
function opened(outcome: CmpOutcome, owner?: CmpDevice, by = client()): DeliveredKey {
  const delivered = by.openKey(outcome, owner ? { privateKey: owner.key.privateKey } : { secret });
  const der = delivered.privateKey.export({ type: 'pkcs8', format: 'pem' });
  expect(createPublicKey(der).export({ type: 'spki', format: 'der' })).toEqual(publicKeyOf(outcome));
  return delivered;
}

function subjectKeyId({ certificate }: CmpDevice): string {
  const value = extension(decodeCertificate(certificate.raw), idCeSubjectKeyIdentifier) ?? new Uint8Array();
  return Buffer.from(value.subarray(2)).toString('hex');
}

describe('a key that the gateway makes (RFC 9483 4.1.6)', () => {
  it('comes encrypted with the shared secret, by another salt each time (4.1.6.3)', async () => {
    const salts = new Set<string | undefined>();
    for (const request of ['ir', 'cr'] as const) {
      const outcome = await client()[request](central({ implicitConfirm: true }));
      expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: request === 'ir' ? 'ip' : 'cp' } });
      const { envelope } = opened(outcome);
      expect(envelope).toMatchObject({
        version: 3,
        recipient: 'pwri',
        recipientVersion: 0,
        keyEncryption: '2.16.840.1.101.3.4.1.45',
        cipher: 'aes-256-cbc',
        contentType: '1.2.840.113549.1.7.2',
      });
      salts.add(envelope.salt);
    }
    expect(salts.size).toBe(2);
  });

  it.each(['ir', 'cr', 'kur'] as const)('comes by key transport to an RSA key: %s (4.1.6.1)', async (request) => {
    const owner = request === 'kur' ? await fresh('rsa') : device('rsa');
    const by = client('any-key', owner.credential);
    const { envelope } = opened(await by[request](central({ subject: `CN=${owner.name}` })), owner, by);
    expect(envelope).toMatchObject({
      version: 2,
      recipient: 'ktri',
      recipientVersion: 2,
      recipientId: { subjectKeyId: subjectKeyId(owner) },
      keyEncryption: '1.2.840.113549.1.1.7',
      cipher: 'aes-256-cbc',
    });
  });

  it.each([
    ['P-256', '1.3.132.1.11.1', 'aes-128-cbc'],
    ['P-384', '1.3.132.1.11.2', 'aes-256-cbc'],
    ['P-521', '1.3.132.1.11.3', 'aes-256-cbc'],
  ])(
    'comes by ephemeral-static key agreement to a key on %s (4.1.6.2, RFC 9481 4.1.2)',
    async (kind, scheme, cipher) => {
      const owner = device(kind);
      const by = client('any-key', owner.credential);
      const { envelope } = opened(await by.ir(central({ subject: `CN=${owner.name}` })), owner, by);
      expect(envelope).toMatchObject({
        version: 2,
        recipient: 'kari',
        recipientVersion: 3,
        recipientId: { subjectKeyId: subjectKeyId(owner) },
        originator: 'ephemeral',
        keyEncryption: scheme,
        cipher,
      });
    },
  );

  it.each([
    ['rsa', 'ktri'],
    ['ec', 'kari'],
  ])('comes to an %s key of a certificate without key usage, which allows every use: %s', async (key, recipient) => {
    const name = `${key}-without-usage`;
    const born = signedBy(vendor.device(`O=Vendor,CN=${name}`, { key: name, extensions: [] }));
    const by = client('any-key', born);
    const outcome = await by.ir(central({ subject: `CN=${name}` }));
    expect(by.openKey(outcome, { privateKey: born.privateKey }).envelope.recipient).toBe(recipient);
  });

  it('comes to the device through a registration authority that adds its protection (5.2.2.1)', async () => {
    const owner = device('P-256');
    const by = client('any-key', owner.credential);
    const message = by.makeRequest('ir', central({ subject: `CN=${owner.name}` }));
    const outcome = await client('any-key', authority).nested([message]);
    expect(opened(outcome, owner, by).envelope.recipientId).toEqual({ subjectKeyId: subjectKeyId(owner) });
  });

  it('goes with an update, which takes the place of the old certificate when it is confirmed (4.1.3)', async () => {
    const owner = await fresh('P-256');
    const by = client('any-key', owner.credential);
    const outcome = await by.kur(central({ subject: `CN=${owner.name}` }));
    opened(outcome, owner, by);
    expect((await by.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    const refused = { body: 'ip', failInfo: 'certRevoked', code: 'revoked-requester' } as const;
    await expectRejected(test, () => by.ir(central()), refused);
  });

  it('is signed by a certificate for key generation, its chain beside it, the root as the policy has it', async () => {
    const names = async (label: string) => {
      const { certificates } = opened(await client(label).ir(central()));
      return certificates.map(({ subject }) => subject.replaceAll('\n', ','));
    };
    const [signer, ...chain] = await names('cmp');
    expect(signer).toBe('CN=Gatehouse key-generation');
    expect(chain).toEqual(['O=Plant,CN=Devices', 'O=Plant,CN=Root']);
    expect(await names('rootless')).toEqual(['CN=Gatehouse key-generation', 'O=Plant,CN=Devices']);
  });

  it.each<[string, KeyObject, Record<string, unknown>]>([
    ['RSA', newRsaKey().publicKey, { asymmetricKeyType: 'rsa', asymmetricKeyDetails: { modulusLength: 2048 } }],
    ['P-256', newEcKey().publicKey, { asymmetricKeyType: 'ec', asymmetricKeyDetails: { namedCurve: 'prime256v1' } }],
    ['P-384', newEcKey('P-384').publicKey, { asymmetricKeyDetails: { namedCurve: 'secp384r1' } }],
    ['P-521', newEcKey('P-521').publicKey, { asymmetricKeyDetails: { namedCurve: 'secp521r1' } }],
    ['Ed25519', generateKeyPairSync('ed25519').publicKey, { asymmetricKeyType: 'ed25519' }],
  ])('is of the kind that the template wishes: %s', async (_, like, expected) => {
    const { privateKey } = opened(await client().ir(central(wishFor(like))));
    expect(privateKey).toMatchObject(expected);
  });

  it('is as the policy has it where the wish leaves that open', async () => {
    const by = client('large');
    const [unsaid, rsa, curve] = [
      central(),
      central(wishFor(newRsaKey().publicKey)),
      central({ template: { publicKey: sequence(sequence(oid('1.2.840.10045.2.1')), tlv(3, Uint8Array.of(0))) } }),
    ];
    expect(opened(await by.ir(unsaid)).privateKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
    expect(opened(await by.ir(rsa)).privateKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 3072 });
    expect(opened(await by.ir(curve)).privateKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
  });

  it('is not made again for a message that comes again, nor is its certificate given or revoked', async () => {
    const by = client();
    const message = by.makeRequest('ir', central({ header: { pvno: 3, transactionId: randomBytes(16) } }));
    const answers = await Promise.all([by.send(message.der), by.send(message.der)]);
    const before = await countRecords(test);
    const third = await by.send(message.der);
    expect(await countRecords(test)).toEqual(before);
    const bodies = [...answers, third].map(({ body }) => body.includes('the key of this operation was handed over'));
    expect(bodies.filter((isRefused) => isRefused)).toHaveLength(2);
    const [latest] = await eventsOf(test, 'certificate.issued');
    const id = latest?.subject ?? '';
    expect(await test.gateway.core.store.certificates.findById({ id })).toMatchObject({ status: 'valid' });
  });
});

/** A device of its own for one test. */
async function fresh(kind: string): Promise<CmpDevice> {
  const { key, usages } = kinds[kind] ?? { key: () => newEcKey(), usages: [] };
  const extensions = [{ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) }];
  return await enrolled(test, { label: 'any-key', key: key(), extensions });
}

describe('a key that the gateway makes is refused', () => {
  const forbidden: Pick<CmpRefusal, 'failInfo' | 'code'> = { failInfo: 'notAuthorized', code: 'forbidden' };

  it.each([
    ['signing rsa', 'keyEncipherment'],
    ['signing P-256', 'keyAgreement'],
    ['ed25519', 'ed25519'],
  ])('to a certificate that it cannot be encrypted to: %s', async (kind, says) => {
    const owner = device(kind);
    const by = client('any-key', owner.credential);
    const wish = central({ subject: `CN=${owner.name}` });
    await expectRejected(test, () => by.ir(wish), { ...forbidden, body: 'ip', says });
    await expectRejected(test, () => by.kur(wish), { ...forbidden, body: 'kup', says });
  });

  it('to a registration authority, which would know the key of the device (RFC 9483 5.2.3)', async () => {
    const by = client('any-key', authority);
    await expectRejected(test, () => by.ir(central()), { ...forbidden, body: 'ip', says: 'the device' });
  });

  it('by a policy that wants devices to make their keys', async () => {
    const says = 'keys made by the gateway';
    await expectRejected(test, () => client('own-keys').ir(central()), { ...forbidden, body: 'ip', says });
  });

  it.each<[string, () => EnrollWish, FailInfo, Partial<CmpRefusal>]>([
    ['at version 2 (RFC 9480 2.20)', () => ({}), 'badCertTemplate', { code: 'malformed-request', says: 'version 3' }],
    [
      'with a proof of possession',
      () => central({ possession: { kind: 'raVerified' } }),
      'badPOP',
      { code: 'invalid-proof-of-possession' },
    ],
    [
      'of an algorithm that the gateway does not know',
      () => central(wishFor(generateKeyPairSync('x25519').publicKey)),
      'badAlg',
      { code: 'unsupported-algorithm', says: '1.3.101.110' },
    ],
    [
      'on another curve',
      () => central(wishFor(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)),
      'badAlg',
      { code: 'unsupported-algorithm', says: '1.3.132.0.10' },
    ],
  ])('%s', async (_, wish, failInfo, more) => {
    await expectRejected(test, () => client().ir(wish()), { body: 'ip', failInfo, code: 'forbidden', ...more });
  });

  it('of a kind that the policy does not allow', async () => {
    await expectRejected(test, () => client('large').ir(central(wishFor(newEcKey().publicKey))), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
  });

  it('in a kur with a MAC (RFC 9483 4.1.3)', async () => {
    await expectRejected(test, () => client().kur(central()), { failInfo: 'wrongIntegrity', code: 'forbidden' });
  });
});

/** What is polled for once a person has approved it. */
async function approved(by: CmpClient, asked: CmpOutcome): Promise<CmpOutcome> {
  expect(asked.pkiStatus).toBe('waiting');
  await approveRequest(await firstPendingRequest(test), decision('anna'), test.gateway.core);
  return await by.poll(asked);
}

describe('a key that waits for an approval', () => {
  it('is made when it is polled for after the approval, and once: keys are not kept', async () => {
    const by = client('manual');
    const asked = await by.ir(central({ subject: 'CN=patient' }));
    expect(asked.pkiStatus).toBe('waiting');
    const before = await countRecords(test);
    const waiting = await by.poll(asked);
    expect(waiting.body?.type).toBe('pollRep');
    await approveRequest(await firstPendingRequest(test), decision('anna'), test.gateway.core);
    expect(await countRecords(test)).toEqual(before);
    const outcome = await by.poll(waiting);
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: 'ip' } });
    opened(outcome);
    expect(await countRecords(test)).toMatchObject({ certificates: before.certificates + 1 });
    await expectRejected(test, () => by.poll(outcome), { failInfo: 'badRequest', code: 'invalid-state' });
    expect((await by.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    expect(await recordOf(test, issuedBy(outcome))).toMatchObject({ status: 'valid', confirmBy: null });
  });

  it('goes with an update that a certificate signs, and with a secret that may be used once', async () => {
    const owner = await fresh('rsa');
    const by = client('manual', owner.credential);
    const update = await approved(by, await by.kur(central({ subject: `CN=${owner.name}` })));
    expect(opened(update, owner, by).envelope.recipient).toBe('ktri');
    const once = { kind: 'mac', reference: 'once', secret: 'for one certificate' } as const;
    const first = client('manual', once);
    const outcome = await approved(first, await first.ir(central({ subject: 'CN=once' })));
    expect(first.openKey(outcome, { secret: once.secret }).envelope.recipient).toBe('pwri');
    await expectRejected(test, () => first.ir(central({ subject: 'CN=twice' })), {
      body: 'ip',
      failInfo: 'badMessageCheck',
      code: 'bad-secret',
    });
  });

  it('is not made when it is refused', async () => {
    const by = client('manual');
    const asked = await by.ir(central({ subject: 'CN=unwanted' }));
    await rejectRequest(await firstPendingRequest(test), decision('anna', 'not ours'), test.gateway.core);
    const before = await countRecords(test);
    expect(await by.poll(asked)).toMatchObject({ pkiStatus: 'rejection', failInfo: ['notAuthorized'] });
    expect(await countRecords(test)).toEqual(before);
  });
});
