import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { bitString, explicit, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { type Extension, encodeExtKeyUsage, encodeKeyUsage, type KeyUsage } from '../../../src/x509/extensions.js';
import { idCeBasicConstraints, idCeExtKeyUsage, idCeKeyUsage } from '../../../src/x509/oids.js';
import { makeCertReqMsg } from '../../support/cmp/cert-request.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import type { FailInfo } from '../../support/cmp/identifiers.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, type CmpDevice, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { makeCsr, newKey, rsaKey, spkiOf } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let device: CmpDevice;
const clients = new Map<string, CmpClient>();
const clock = createTestClock();

const profiles = `
templates:
  - name: anything
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256] } }
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    extendedKeyUsages: [clientAuth, serverAuth]
    subjectAttributes: [commonName]
    subjectAltNames: [dns]
    maximumValidity: 1y
profiles:
  - name: wishes
    template: anything
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames: [{ type: dns, source: request }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    extendedKeyUsages: [clientAuth, serverAuth]
    usageSource: request
    otherExtensions: ignore
    validity: 90d
  - name: unwilling
    template: anything
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    requestedValidity: false
    validity: 30d
`;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, profiles);
  const documents = [
    cmpPolicy('wishes', '', 'profiles: [{ usage: operational, profile: wishes }]'),
    cmpPolicy(
      'profiles',
      '',
      'profiles: [{ usage: bootstrap, profile: unwilling }, { usage: operational, profile: device }]',
    ),
  ];
  for (const document of documents) await applyYaml(test, document);
  device = await enrolled(test, { name: 'first' });
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function connect(label = 'cmp'): CmpClient {
  const client = clients.get(label) ?? createCmpClient(test, { label, credential: byMac });
  clients.set(label, client);
  return client;
}

const keyUsage = (...usages: readonly KeyUsage[]): Extension => {
  return { id: idCeKeyUsage, critical: true, value: encodeKeyUsage(usages) };
};
const purposes = (...ids: readonly string[]): Extension => {
  return { id: idCeExtKeyUsage, critical: false, value: encodeExtKeyUsage(ids) };
};
const constraints = (...parts: readonly Uint8Array[]): Extension => {
  return { id: idCeBasicConstraints, critical: true, value: sequence(...parts) };
};
const isCa = Uint8Array.of(1, 1, 0xff);
const uniqueId = bitString(Buffer.from('unique'));

describe('What a certTemplate asks for', () => {
  it('is granted within the profile: key usages and purposes', async () => {
    const extensions = [keyUsage('digitalSignature', 'keyAgreement'), purposes('1.3.6.1.5.5.7.3.2')];
    const outcome = await connect('wishes').ir({ key: newKey(), subject: 'CN=usages', extensions });
    expect(outcome.pkiStatus).toBe('accepted');
    const decoded = decodeCertificate(issuedBy(outcome).raw);
    expect(extensionOf(decoded, idCeKeyUsage)).toEqual(Buffer.from(extensions[0]?.value ?? []));
    expect(extensionOf(decoded, idCeExtKeyUsage)).toEqual(Buffer.from(extensions[1]?.value ?? []));
  });

  it.each<[string, Partial<EnrollWish>]>([
    ['an empty', { subject: '' }],
    ['no', { omitFromTemplate: ['subject'] }],
  ])('may have %s subject beside a subjectAltName', async (_what, wish) => {
    const alternatives = [{ type: 'dns', value: 'nameless.example' }] as const;
    const outcome = await connect('wishes').ir({ key: newKey(), subject: '', alternatives, ...wish });
    expect(outcome.pkiStatus).toBe('accepted');
    const certificate = issuedBy(outcome);
    expect([certificate.subject ?? '', certificate.subjectAltName]).toEqual(['', 'DNS:nameless.example']);
  });

  it('is granted with modifications, and the statusString says which (grantedWithMods)', async () => {
    const other: Extension = { id: '1.3.6.1.4.1.55555.1', critical: false, value: Uint8Array.of(5, 0) };
    const outcome = await connect('wishes').ir({ key: newKey(), subject: 'CN=modified', extensions: [other] });
    expect(outcome).toMatchObject({ pkiStatus: 'grantedWithMods', failInfo: [] });
    expect(outcome.statusString).toContain('1.3.6.1.4.1.55555.1');
    expect(issuedBy(outcome).subject).toBe('CN=modified');
  });

  it('may name the issuing CA; another issuer is a wish that is not granted', async () => {
    const named = await connect().ir({
      key: newKey(),
      subject: 'CN=issuer',
      template: { issuer: 'CN=Devices,O=Plant', version: 2 },
    });
    expect(named.pkiStatus).toBe('accepted');
    const other = await connect().ir({ key: newKey(), subject: 'CN=issuer', template: { issuer: 'CN=Other' } });
    expect(other).toMatchObject({ pkiStatus: 'grantedWithMods', statusString: expect.stringContaining('issuer') });
  });

  it('may be an earlier end or a later begin of validity', async () => {
    const notBefore = new Date(Math.floor(clock.now().getTime() / 1000) * 1000 + 3_600_000);
    const notAfter = new Date(notBefore.getTime() + 10 * daySeconds * 1000);
    const outcome = await connect().ir({ key: newKey(), subject: 'CN=validity', template: { notBefore, notAfter } });
    expect(outcome.pkiStatus).toBe('accepted');
    const { validFrom, validTo } = issuedBy(outcome);
    expect([new Date(validFrom), new Date(validTo)]).toEqual([notBefore, notAfter]);
  });

  it.each<[string, FailInfo, Partial<CmpRefusal> & { label?: string }, () => Partial<EnrollWish>]>([
    ['no subject', 'badCertTemplate', { says: 'subject' }, () => ({ omitFromTemplate: ['subject'] })],
    ['an empty subject without subjectAltName', 'badCertTemplate', { says: 'subjectAltName' }, () => ({ subject: '' })],
    [
      'a key on an unknown curve',
      'badCertTemplate',
      { code: 'unacceptable-key', says: 'curve' },
      () => ({ key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), subject: 'CN=x' }),
    ],
    ['a name against the pattern', 'badCertTemplate', { code: 'rejected-name' }, () => ({ subject: 'CN=under_score' })],
    [
      'an attribute that the profile has not',
      'badCertTemplate',
      { code: 'rejected-name' },
      () => ({ subject: 'CN=x,L=Here' }),
    ],
    [
      'an alternative name that the profile has not',
      'badCertTemplate',
      { code: 'rejected-name' },
      () => ({ subject: 'CN=x', alternatives: [{ type: 'email', value: 'a@b.example' }] }),
    ],
    [
      'a validity beyond the profile',
      'badCertTemplate',
      { code: 'rejected-profile', says: 'end of validity' },
      () => ({ template: { notAfter: new Date(clock.now().getTime() + 91 * daySeconds * 1000) } }),
    ],
    [
      'a validity that ends before it begins',
      'badCertTemplate',
      { code: 'rejected-profile' },
      () => ({ template: { notAfter: new Date(clock.now().getTime() - daySeconds * 1000) } }),
    ],
    [
      'an unknown extension',
      'badCertTemplate',
      { code: 'rejected-profile', says: '1.3.6.1.4.1.55555.1' },
      () => ({ extensions: [{ id: '1.3.6.1.4.1.55555.1', critical: false, value: Uint8Array.of(5, 0) }] }),
    ],
    ['version v1', 'badCertTemplate', { says: 'v3' }, () => ({ template: { version: 0 } })],
    ['issuerUID', 'badCertTemplate', { says: 'issuerUID' }, () => ({ template: { issuerUid: uniqueId } })],
    ['subjectUID', 'badCertTemplate', { says: 'subjectUID' }, () => ({ template: { subjectUid: uniqueId } })],
    ['a CA', 'notAuthorized', { code: 'rejected-power', says: 'CA' }, () => ({ extensions: [constraints(isCa)] })],
    [
      'no CA, with a path length',
      'badCertTemplate',
      { says: 'path length' },
      () => ({ extensions: [constraints(smallInteger(5))] }),
    ],
    [
      'no CA, with keyCertSign',
      'badCertTemplate',
      { says: 'keyCertSign' },
      () => ({ extensions: [constraints(), keyUsage('keyCertSign', 'digitalSignature')] }),
    ],
    ...(['27', '28', '32'] as const).map(
      (purpose) =>
        [
          `the purpose 1.3.6.1.5.5.7.3.${purpose}, which gives power over others`,
          'notAuthorized',
          { code: 'rejected-power' },
          () => ({ extensions: [purposes(`1.3.6.1.5.5.7.3.${purpose}`)] }),
        ] as [string, FailInfo, Partial<CmpRefusal>, () => Partial<EnrollWish>],
    ),
    [
      'a validity where the profile takes no wishes',
      'badCertTemplate',
      { code: 'rejected-profile', label: 'profiles' },
      () => ({ template: { notAfter: new Date(clock.now().getTime() + daySeconds * 1000) } }),
    ],
  ])('is refused in an ip: %s', async (_what, failInfo, { label, ...more }, wish) => {
    const send = () => connect(label).ir({ key: newKey(), subject: 'CN=refused', ...wish() });
    await expectRejected(test, send, { body: 'ip', failInfo, code: 'malformed-request', ...more });
  });
});

describe('One message, one request (RFC 9483 4.1.1)', () => {
  it.each([-1, 1])('certReqId %d is badRequest', async (certReqId) => {
    await expectRejected(test, () => connect().ir({ key: newKey(), certReqId }), {
      body: 'ip',
      failInfo: 'badRequest',
      code: 'malformed-request',
      says: 'certReqId',
    });
  });

  it.each([0, 2])('%d requests are badRequest', async (count) => {
    const all = Array.from({ length: count }, () => makeCertReqMsg({ key: newKey() }));
    await expectRejected(test, () => connect().cr({ requests: all }), {
      body: 'cp',
      failInfo: count === 0 ? 'badDataFormat' : 'badRequest',
      code: 'malformed-request',
    });
  });
});

describe('Proof of possession by signature (RFC 4211 4.1)', () => {
  it('may sign POPOSigningKeyInput with the sender, or with a MAC of the key', async () => {
    const { credential } = device;
    const certificate = decodeCertificate(device.certificate.raw);
    const sender = certificate.subject;
    const bySender = await connect().cr({
      key: newKey(),
      subject: 'CN=first',
      credential,
      possession: { kind: 'signature', input: { sender: explicit(4, sender) } },
    });
    expect(bySender.pkiStatus).toBe('accepted');
    const input = { publicKeyMac: { secret: byMac.secret } };
    const bySecret = await connect().ir({ key: newKey(), possession: { kind: 'signature', input } });
    expect(bySecret.pkiStatus).toBe('accepted');
  });

  const badPop = { failInfo: 'badPOP', code: 'invalid-proof-of-possession' } as const;
  const key = newKey();
  it.each<[string, CmpRefusal, Partial<EnrollWish>]>([
    ['a damaged one', badPop, { possession: { kind: 'signature', isDamaged: true } }],
    ['one of another key', badPop, { possession: { kind: 'signature', signedBy: newKey() } }],
    ['one of another kind of key', badPop, { possession: { kind: 'signature', signedBy: rsaKey } }],
    ['none', badPop, { possession: { kind: 'none' } }],
    [
      'another key in POPOSigningKeyInput',
      badPop,
      {
        possession: {
          kind: 'signature',
          input: { publicKeyMac: { secret: byMac.secret }, publicKey: spkiOf(newKey()) },
        },
      },
    ],
    [
      'a damaged MAC in POPOSigningKeyInput',
      badPop,
      { possession: { kind: 'signature', input: { publicKeyMac: { secret: byMac.secret, isDamaged: true } } } },
    ],
    [
      'another sender in POPOSigningKeyInput',
      badPop,
      { possession: { kind: 'signature', input: { sender: 'CN=somebody' } } },
    ],
    [
      'raVerified of who is no RA',
      { failInfo: 'notAuthorized', code: 'forbidden' },
      { possession: { kind: 'raVerified' } },
    ],
  ])('is refused: %s', async (_what, refusal, wish) => {
    const send = () => connect().ir({ key, subject: 'CN=pop', ...wish });
    await expectRejected(test, send, { body: 'ip', ...refusal });
  });

  it('is refused in p10cr: a signature of another key', async () => {
    const csr = makeCsr({ key: newKey(), signedBy: newKey() });
    await expectRejected(test, () => connect().p10cr(csr), { body: 'cp', ...badPop });
  });

  it('is refused in p10cr: another version', async () => {
    const csr = Buffer.from(makeCsr({ key: newKey() }));
    const at = csr.indexOf(Buffer.of(2, 1, 0));
    csr[at + 2] = 1;
    await expectRejected(test, () => connect().p10cr(csr), {
      body: 'cp',
      failInfo: 'badCertTemplate',
      code: 'malformed-request',
    });
  });
});

describe('certProfile (RFC 9483 3.1)', () => {
  it.each([
    ['device', 90],
    ['unwilling', 30],
  ])('chooses %s among the profiles of the policy', async (profile, days) => {
    const outcome = await connect('profiles').ir({ key: newKey(), subject: `CN=${profile}`, profile });
    expect((await recordOf(test, issuedBy(outcome))).profile).toBe(profile);
    const { validTo } = issuedBy(outcome);
    expect(Math.round((Date.parse(validTo) - clock.now().getTime()) / daySeconds / 1000)).toBe(days);
  });

  it('that is empty chooses none (RFC 9810 5.1.1.4)', async () => {
    const outcome = await connect('profiles').ir({ key: newKey(), subject: 'CN=unsaid', profile: '' });
    const unsaid = await connect('profiles').ir({ key: newKey(), subject: 'CN=unsaid-2' });
    const [record, expected] = [await recordOf(test, issuedBy(outcome)), await recordOf(test, issuedBy(unsaid))];
    expect(record.profile).toBe(expected.profile);
  });

  it.each(['wishes', 'unknown'])('is refused when the policy does not have it: %s', async (profile) => {
    await expectRejected(test, () => connect('profiles').ir({ key: newKey(), profile }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'rejected-profile',
    });
  });
});

function extensionOf({ extensions }: ReturnType<typeof decodeCertificate>, id: string): Buffer {
  return Buffer.from(extensions.find((extension) => extension.id === id)?.value ?? []);
}
