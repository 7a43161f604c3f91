import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import type { BodyType } from '../../support/cmp/identifiers.js';
import { type CmpOutcome, issuedBy } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { countRecords, eventOf, eventsOf, expectRefused, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let device: CmpDevice;
const clients = new Map<string, CmpClient>();
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  const documents = [
    cmpPolicy('explicit', 'implicitConfirm: false, confirmWait: 42s'),
    cmpPolicy('rootless', 'includeRoot: false'),
    cmpPolicy('reuse', 'keyReuse: true'),
    cmpPolicy('no-duplicates', '', 'duplicates: refuse'),
    cmpPolicy('limited', '', 'limits: { perMinute: 1 }'),
    cmpPolicy('closed', '', 'enabled: false'),
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

type Ask = (client: CmpClient, wish: EnrollWish) => Promise<CmpOutcome>;

const requests: readonly (readonly [BodyType, BodyType, Ask])[] = [
  ['ir', 'ip', (client, wish) => client.ir(wish)],
  ['cr', 'cp', (client, wish) => client.cr(wish)],
  ['p10cr', 'cp', (client, wish) => client.p10cr(csrOf(wish), wish)],
];

function csrOf({ key = newKey(), subject = 'CN=device-1', alternatives = [], extensions = [] }: EnrollWish) {
  return makeCsr({ key, subject, alternatives, extensions });
}

describe('A certificate request (RFC 9483 4.1.1, 4.1.2 and 4.1.4)', () => {
  it.each(requests)('%s with a MAC is answered with %s, and confirmed with certConf', async (type, body, ask) => {
    const client = connect();
    const key = newKey();
    const alternatives = [{ type: 'dns', value: `${type}.example` }] as const;
    const outcome = await ask(client, { key, subject: `CN=mac-${type},O=Plant`, alternatives });
    const certificate = issuedBy(outcome);
    expect(outcome).toMatchObject({ status: 200, pkiStatus: 'accepted', failInfo: [], isImplicitlyConfirmed: false });
    expect(outcome).toMatchObject({ body: { type: body, responses: [{ certReqId: type === 'p10cr' ? -1 : 0 }] } });
    expect(outcome.answer.headers).toMatchObject({
      'content-type': 'application/pkixcmp',
      'cache-control': 'no-store',
    });
    expect([certificate.subject, certificate.subjectAltName]).toEqual([
      `O=Plant\nCN=mac-${type}`,
      `DNS:${type}.example`,
    ]);
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    const record = await recordOf(test, certificate);
    expect(record).toMatchObject({ protocol: 'cmp', policy: 'cmp', usage: 'operational', status: 'valid' });
    expect(record.confirmBy).toBe(clock.now().getTime() + 300_000);
    expect(await eventOf(test, outcome.answer)).toMatchObject({ action: 'certificate.issued', subject: record.id });
    const confirmed = await client.confirm(outcome);
    expect(confirmed.body).toEqual({ type: 'pkiconf' });
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid', confirmBy: null });
    expect((await eventsOf(test, 'certificate.confirmed'))[0]?.content).toContain(record.id);
  });

  it.each(requests)("%s signed with a vendor's certificate is answered with %s", async (type, body, ask) => {
    const credential = signedBy(vendor.device(`O=Vendor,CN=born-${type}`));
    const outcome = await ask(connect(), { key: newKey(), subject: `CN=signed-${type}`, credential });
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: body } });
    expect((await connect().confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
    expect((await recordOf(test, issuedBy(outcome))).requester).toMatch(/^authentication-ca:/);
  });

  it.each(requests)('%s signed with a certificate from here is answered with %s', async (_type, body, ask) => {
    const { credential } = device;
    const outcome = await ask(connect(), { key: newKey(), subject: 'CN=first', credential, implicitConfirm: true });
    expect(outcome).toMatchObject({ pkiStatus: 'accepted', body: { type: body } });
    expect(issuedBy(outcome).subject).toBe('CN=first');
  });

  it('signed with a certificate from here gets no names of others', async () => {
    const { credential } = device;
    const send = () => connect().cr({ key: newKey(), subject: 'CN=somebody-else', credential });
    await expectRejected(test, send, { body: 'cp', failInfo: 'badCertTemplate', code: 'rejected-name' });
  });

  it.each([
    ['RSA', rsaKey],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('takes a key of %s', async (name, key) => {
    const certificate = issuedBy(await connect().ir({ key, subject: `CN=key-${name}`, implicitConfirm: true }));
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
  });

  it('leaves the secret nowhere in the audit log', async () => {
    for (const action of ['certificate.issued', 'request.refused']) {
      for (const { content } of await eventsOf(test, action)) expect(content).not.toContain(byMac.secret);
    }
  });
});

describe('Confirmation (RFC 9483 4.1.1)', () => {
  it.each(requests)('of %s is implicit where that is asked and allowed', async (type, _body, ask) => {
    const outcome = await ask(connect(), { key: newKey(), subject: `CN=implicit-${type}`, implicitConfirm: true });
    expect(outcome.isImplicitlyConfirmed).toBe(true);
    expect((await recordOf(test, issuedBy(outcome))).confirmBy).toBeNull();
    await expectRejected(test, () => connect().confirm(outcome), {
      failInfo: 'certConfirmed',
      code: 'already-confirmed',
    });
  });

  it('is needed where the policy wants it, and the answer says until when', async () => {
    const outcome = await connect('explicit').ir({ key: newKey(), subject: 'CN=explicit', implicitConfirm: true });
    expect(outcome.isImplicitlyConfirmed).toBe(false);
    const [info] = outcome.message?.header.generalInfo ?? [];
    expect(info?.type).toBe('1.3.6.1.5.5.7.4.14');
    const until = new Date(Math.floor(clock.now().getTime() / 1000) * 1000 + 42_000);
    expect(info?.value?.toString('latin1').slice(2)).toBe(until.toISOString().replace(/[-:T]|\.\d+/g, ''));
    expect((await connect('explicit').confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  });

  it('is not implicit where nobody has asked for it', async () => {
    const outcome = await connect().ir({ key: newKey(), subject: 'CN=unasked' });
    expect(outcome.message?.header.generalInfo.map(({ type }) => type)).toEqual(['1.3.6.1.5.5.7.4.14']);
  });
});

describe('Certificates beside the one that is asked for (RFC 9483 3.3)', () => {
  it.each(requests)('%s has the root in caPubs where it is an ip (%s)', async (_type, body, ask) => {
    const outcome = await ask(connect(), { key: newKey(), subject: 'CN=ca-pubs' });
    const caPubs = outcome.body?.type === 'ip' || outcome.body?.type === 'cp' ? outcome.body.caPubs : undefined;
    expect(caPubs?.map(({ subject }) => subject)).toEqual(body === 'ip' ? ['O=Plant\nCN=Root'] : []);
  });

  it.each<['MAC' | 'signature', 'cmp' | 'rootless']>([
    ['MAC', 'cmp'],
    ['signature', 'cmp'],
    ['MAC', 'rootless'],
    ['signature', 'rootless'],
  ])('an answer with a %s at policy %s brings both chains', async (kind, label) => {
    const credential = kind === 'MAC' ? byMac : signedBy(vendor.device('O=Vendor,CN=chain'));
    const { message } = await connect(label).ir({ key: newKey(), subject: 'CN=chain', credential });
    const subjects = (message?.extraCerts ?? []).map(({ subject }) => subject.split('\n').at(-1));
    const chain = label === 'cmp' ? ['CN=Devices', 'CN=Root'] : ['CN=Devices'];
    expect(subjects.slice(kind === 'MAC' ? 0 : 1)).toEqual(chain);
    if (kind === 'signature') {
      const [signer] = message?.extraCerts ?? [];
      expect(signer?.keyUsage).toBeDefined();
      expect(new Set(signer?.keyUsage)).toEqual(new Set(['1.3.6.1.5.5.7.3.27', '1.3.6.1.5.5.7.3.28']));
    }
  });
});

describe('A key that is in a certificate already', () => {
  it.each(requests)('is refused in %s, for its holder too, in a %s', async (_type, body, ask) => {
    const owner = await enrolled(test);
    const refusal = { body, failInfo: 'badCertTemplate', code: 'unacceptable-key' } as const;
    const subject = `CN=${owner.name}`;
    await expectRejected(test, () => ask(connect(), { key: owner.key, subject }), refusal);
    const { key, credential } = owner;
    await expectRejected(test, () => ask(connect(), { key, subject, credential }), refusal);
  });

  it('is taken where the policy says so, for the same device', async () => {
    const owner = await enrolled(test, { label: 'reuse' });
    const wish = { key: owner.key, subject: `CN=${owner.name}` };
    expect((await connect('reuse').ir(wish)).pkiStatus).toBe('accepted');
    await expectRejected(test, () => connect('reuse').ir({ key: owner.key, subject: 'CN=another' }), {
      body: 'ip',
      failInfo: 'badCertTemplate',
      code: 'unacceptable-key',
    });
  });

  it('is duplicateCertReq when it comes in the very same PKCS #10 request', async () => {
    const csr = makeCsr({ key: newKey(), subject: 'CN=same-csr' });
    expect((await connect().p10cr(csr, { implicitConfirm: true })).pkiStatus).toBe('accepted');
    const send = () => connect().p10cr(csr, { implicitConfirm: true });
    await expectRejected(test, send, { body: 'cp', failInfo: 'duplicateCertReq', code: 'duplicate-request' });
  });
});

describe('A second certificate for the same names', () => {
  it('is refused where the policy says so', async () => {
    const wish = () => ({ key: newKey(), subject: 'CN=only-one' });
    expect((await connect('no-duplicates').ir(wish())).pkiStatus).toBe('accepted');
    await expectRejected(test, () => connect('no-duplicates').ir(wish()), {
      body: 'ip',
      failInfo: 'duplicateCertReq',
      code: 'duplicate-request',
    });
  });
});

describe('Limits', () => {
  it('of a policy are systemUnavail', async () => {
    const wish = () => ({ key: newKey(), subject: 'CN=limited' });
    expect((await connect('limited').ir(wish())).pkiStatus).toBe('accepted');
    await expectRejected(test, () => connect('limited').ir(wish()), {
      body: 'ip',
      failInfo: 'systemUnavail',
      code: 'rate-limited',
    });
  });

  it('of a secret: one use is one certificate, and its certConf is none', async () => {
    await addSecret('{ kind: cmp-secret, name: once, reference: once, secret: only-for-once, usageLimit: 1 }');
    const client = createCmpClient(test, {
      label: 'cmp',
      credential: { kind: 'mac', reference: 'once', secret: 'only-for-once' },
    });
    const outcome = await client.ir({ key: newKey(), subject: 'CN=once' });
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
    const before = await countRecords(test);
    const second = await client.ir({ key: newKey(), subject: 'CN=twice', unchecked: ['protectionKind'] });
    expect(second).toMatchObject({ pkiStatus: 'rejection', failInfo: ['badMessageCheck'] });
    expect(await eventOf(test, second.answer)).toMatchObject({ action: 'request.refused', code: 'bad-secret' });
    expect(await countRecords(test)).toEqual(before);
    client.close();
  });

  it('of a secret: it expires', async () => {
    const notAfter = new Date(clock.now().getTime() + 60_000).toISOString();
    await addSecret(`{ kind: cmp-secret, name: soon, reference: soon, secret: not-for-long, notAfter: "${notAfter}" }`);
    const credential = { kind: 'mac', reference: 'soon', secret: 'not-for-long' } as const;
    const client = createCmpClient(test, { label: 'cmp', credential });
    expect((await client.ir({ key: newKey(), subject: 'CN=soon' })).pkiStatus).toBe('accepted');
    clock.advance(61);
    const send = () => client.ir({ key: newKey(), unchecked: ['protectionKind'] });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'bad-secret' });
    client.close();
  });
});

describe('Paths (RFC 9483 6.1, RFC 9811 3.3)', () => {
  const operations = [
    ...['initialization', 'certification', 'keyupdate', 'pkcs10', 'revocation'],
    ...['getcacerts', 'getrootupdate', 'getcertreqtemplate', 'getcrls', 'nested'],
  ];

  it.each(['/.well-known/cmp/p/cmp', '/cmp/cmp'])(
    '%s takes every message, with each operation behind it',
    async (path) => {
      const client = createCmpClient(test, { credential: byMac, path });
      for (const operation of [undefined, ...operations]) {
        const outcome = await client.genm('caCerts', undefined, operation === undefined ? {} : { operation });
        expect(outcome.body?.type).toBe('genp');
      }
      client.close();
    },
  );

  it('are on TLS as well', async () => {
    const client = createCmpClient(test, { credential: byMac, label: 'cmp', isTls: true });
    expect((await client.ir({ key: newKey(), subject: 'CN=by-tls' })).pkiStatus).toBe('accepted');
    client.close();
  });

  it.each([
    ['/.well-known/cmp/p/unknown', 'no policy'],
    ['/.well-known/cmp/p/cmp/unknown', 'operation'],
    ['/.well-known/cmp/initialisation', 'operation'],
  ])('%s is 404', async (path, says) => {
    const client = createCmpClient(test, { credential: byMac, path });
    const { answer } = await client.ir({ key: newKey() });
    await expectRefused(test, answer, { status: 404, code: 'not-found', says });
    client.close();
  });

  it('a policy without CMP is 404', async () => {
    await applyYaml(test, cmpPolicy('est-only').replace('methods: [cmp]', 'methods: [est]'));
    const client = createCmpClient(test, { credential: byMac, label: 'est-only' });
    const { answer } = await client.ir({ key: newKey() });
    await expectRefused(test, answer, { status: 404, code: 'not-found', says: 'not open to CMP' });
    client.close();
  });

  it('a policy that is disabled takes nothing', async () => {
    const send = () => connect('closed').ir({ key: newKey(), unchecked: ['protectionKind'] });
    await expectRejected(test, send, { failInfo: 'notAuthorized', code: 'forbidden', says: 'disabled' });
  });
});

async function addSecret(yaml: string): Promise<void> {
  await applyYaml(test, `authenticationPolicies:\n  - { name: fleet, division: plant, credentials: [${yaml}] }\n`);
}
