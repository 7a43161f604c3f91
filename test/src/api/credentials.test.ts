import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { createOperations } from '../../../src/api/operations.js';
import { toPem } from '../../../src/x509/pem.js';
import { fleet } from '../../support/fleet.js';
import { ca, leaf, makeChain, privateKeyOf } from '../../support/make-chain.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { createCaller } from './call-operation.js';

const configuration = fleet.replace(
  'authenticationPolicies:\n',
  'authenticationPolicies:\n  - { name: careful, division: plant, requireCaProof: true }\n  - { name: own, division: plant }\n',
);
const [root = new Uint8Array(), issuing = new Uint8Array(), device = new Uint8Array()] = makeChain([
  ca('CN=Factory Root'),
  ca('CN=Factory'),
  leaf('CN=Device'),
]);
const pem = (...ders: readonly Uint8Array[]) => ders.map((der) => toPem('CERTIFICATE', der)).join('');

let test: TestGateway;
let call: ReturnType<typeof createCaller>;
beforeAll(async () => {
  test = await startTestGateway({ configuration });
  call = createCaller(createOperations({ ...test.gateway.core, version: '0' }));
});
afterAll(() => test.close());

const own = { name: 'own' };
const named = (credential: string, name = 'own') => ({ name, credential });
const create = (body: object, name = 'own') => call('createCredentials', { params: { name }, body });
const madeSchema = z.looseObject({
  items: z.array(z.looseObject({ name: z.string(), secret: z.string().optional(), hmacKey: z.string().optional() })),
});

describe('creating credentials', () => {
  it('makes a passcode up, shows it once and keeps its keyed hash', async () => {
    const made = await create({ kind: 'passcode', name: 'installer', username: 'bob', usageLimit: 3 });
    expect(made).toMatchObject({
      location: '/authentication-policies/own/credentials/installer',
      value: {
        items: [
          {
            name: 'installer',
            kind: 'passcode',
            state: 'valid',
            uses: 0,
            usageLimit: 3,
            username: 'bob',
            source: 'operator',
          },
        ],
      },
    });
    const secret = madeSchema.parse(made.value).items[0]?.secret ?? '';
    expect(secret).toMatch(/^[0-9a-z-]{31}$/);
    const { value } = await call('getCredential', { params: named('installer') });
    expect(JSON.stringify(value)).not.toContain(secret);
    const record = await test.gateway.core.store.credentials.findByName({
      authenticationPolicy: 'own',
      name: 'installer',
    });
    expect(record?.lookup).toBe(test.gateway.core.passcodeLookup('own', secret));
    expect(JSON.stringify(value)).not.toContain(record?.lookup);
    const [event] = await test.gateway.core.store.audit.list({ limit: 1 });
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      action: 'credential.created',
      actor: 'test',
      division: 'plant',
      authenticationPolicy: 'own',
      kind: 'passcode',
      names: ['installer'],
    });
    expect(event?.content).not.toContain(secret);
    expect(test.gateway.core.catalog().authenticationPolicies.get('own')?.hasPasscodes).toBe(true);
  });

  it('takes what the operator has chosen', async () => {
    const made = await create({ kind: 'cmp-secret', name: 'cmp', reference: 'pump-1', secret: 'battery-staple' });
    expect(made.value).toMatchObject({ items: [{ identifier: 'pump-1', secret: 'battery-staple' }] });
    await create({ kind: 'key-wrap-key', name: 'wrap', identifier: 'key-1', key: 'ab'.repeat(16) });
    const { value } = await call('getCredential', { params: named('wrap') });
    expect(value).toMatchObject({ kind: 'key-wrap-key', identifier: 'key-1' });
    expect(JSON.stringify(value)).not.toContain('abab');
  });

  it.each(['passcode', 'cmp-secret', 'acme-account-key'])('makes many of the kind %s, all different', async (kind) => {
    const { value, location } = await create({ kind, name: `many-${kind}`, count: 3 });
    const { items } = madeSchema.parse(value);
    expect(items.map(({ name }) => name)).toEqual([1, 2, 3].map((number) => `many-${kind}-${number}`));
    expect(new Set(items.map(({ secret, hmacKey }) => secret ?? hmacKey)).size).toBe(3);
    expect(location).toBeUndefined();
  });

  it('makes all of many, or none', async () => {
    await create({ kind: 'passcode', name: 'some-3' });
    await expect(create({ kind: 'passcode', name: 'some', count: 5 })).rejects.toMatchObject({
      code: 'duplicate-request',
    });
    await expect(call('getCredential', { params: named('some-1') })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('makes of a chain a credential of each CA, which count at once', async () => {
    const { value } = await create({ kind: 'authentication-ca', name: 'factory', certificate: pem(issuing, root) });
    expect(value).toMatchObject({
      items: [
        { name: 'factory-1', subject: 'CN=Factory' },
        { name: 'factory-2', subject: 'CN=Factory Root' },
      ],
    });
    const { authenticationPolicies } = test.gateway.core.catalog();
    expect(authenticationPolicies.get('own')?.anchors.map(({ name }) => name)).toEqual(['factory-1', 'factory-2']);
  });

  it.each([
    [
      'a CA that is there',
      { kind: 'authentication-ca', name: 'again', certificate: pem(root) },
      '#',
      'credential "factory-2"',
    ],
    [
      'a CA that is none',
      { kind: 'authentication-ca', name: 'none', certificate: pem(device) },
      '#/certificate',
      'is not a CA certificate',
    ],
    [
      'a chain with what is no CA',
      { kind: 'authentication-ca', name: 'none', certificate: pem(device, issuing) },
      '#/certificate',
      'is not a CA',
    ],
    ['text', { kind: 'authentication-ca', name: 'none', certificate: 'hello' }, '#/certificate', 'certificates in PEM'],
    [
      'two certificates as one',
      { kind: 'authentication-certificate', name: 'none', certificate: pem(device, root) },
      '#/certificate',
      'holds 2 certificates',
    ],
    ['a reference that is taken', { kind: 'cmp-secret', name: 'other', reference: 'pump-1' }, '#', 'credential "cmp"'],
    [
      'an end before the beginning',
      { kind: 'passcode', name: 'never', notBefore: '2030-01-01T00:00:00Z', notAfter: '2029-01-01T00:00:00Z' },
      '#/notAfter',
      'later than notBefore',
    ],
    [
      'an unknown attribute',
      { kind: 'passcode', name: 'odd', registeredValues: { subject: { nam: 'x' } } },
      '#/registeredValues/subject/nam',
      'no known subject attribute',
    ],
    [
      'many with one secret',
      { kind: 'passcode', name: 'same', secret: 'battery-staple', count: 2 },
      '#/count',
      'leave secret',
    ],
    [
      'many with one reference',
      { kind: 'cmp-secret', name: 'same', reference: 'r', count: 2 },
      '#/count',
      'leave secret',
    ],
  ])('refuses %s', async (_what, body, pointer, detail) => {
    await expect(create(body)).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer, detail: expect.stringContaining(detail) }],
    });
  });

  it('refuses names that get too long, and authentication policies that are not there', async () => {
    await expect(create({ kind: 'passcode', name: 'a'.repeat(62), count: 1000 })).rejects.toMatchObject({
      code: 'malformed-request',
    });
    await expect(create({ kind: 'passcode', name: 'x' }, 'none')).rejects.toMatchObject({ code: 'not-found' });
    const elsewhere = { params: own, body: { kind: 'passcode', name: 'x' }, scope: new Set(['office']) };
    await expect(call('createCredentials', elsewhere)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('of one name makes one, however many come at once', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        create({ kind: 'cmp-secret', name: 'race', reference: `race-${index}` }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('of one reference makes one, however many come at once', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        create({ kind: 'cmp-secret', name: `reference-${index}`, reference: 'same' }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('an authentication CA whose key has to be at hand', () => {
  const register = (body: object) =>
    create({ kind: 'authentication-ca', name: 'factory', certificate: pem(root), ...body }, 'careful');

  it('needs a proof, by a challenge of this authentication policy', async () => {
    const asked = await call('createProofChallenge', { params: { name: 'careful' } });
    const { challenge } = z.looseObject({ challenge: z.string() }).parse(asked.value);
    const signature = sign('sha256', Buffer.from(challenge), privateKeyOf('CN=Factory Root')).toString('base64');
    const wrong = { code: 'invalid-proof-of-possession' };
    await expect(register({})).rejects.toMatchObject(wrong);
    await expect(register({ proof: { challenge, signature: 'AAAA' } })).rejects.toMatchObject(wrong);
    const other = z
      .looseObject({ challenge: z.string() })
      .parse((await call('createProofChallenge', { params: own })).value);
    await expect(register({ proof: { challenge: other.challenge, signature } })).rejects.toMatchObject(wrong);
    await expect(register({ certificate: pem(issuing, root), proof: { challenge, signature } })).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/proof' }],
    });
    const made = await register({ proof: { challenge, signature } });
    expect(made.value).toMatchObject({
      items: [{ name: 'factory', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
  });
});

describe('credentials that are there', () => {
  it('are listed by name in pages, by kind, state and search, but for what devices have set', async () => {
    const first = await call('listCredentials', { params: own, query: { kind: 'authentication-ca', limit: 1 } });
    expect(first.value).toMatchObject({ items: [{ name: 'factory-1' }] });
    const { next } = z.looseObject({ next: z.string() }).parse(first.value);
    const second = await call('listCredentials', {
      params: own,
      query: { kind: 'authentication-ca', limit: 1, cursor: next },
    });
    expect(second.value).toMatchObject({ items: [{ name: 'factory-2' }] });
    expect(second.value).not.toHaveProperty('next');
    const found = await call('listCredentials', { params: own, query: { search: 'INSTALL' } });
    expect(found.value).toMatchObject({ items: [{ name: 'installer' }] });
    expect((await call('listCredentials', { params: own, query: { state: 'revoked' } })).value).toEqual({ items: [] });
  });

  it('change in when, from where, for whom and how often they may be used, and in nothing else', async () => {
    const params = named('installer');
    const body = {
      usageLimit: null,
      notAfter: '2030-01-01T00:00:00+01:00',
      allowedAddresses: ['10.0.0.0/8'],
      registeredValues: { subject: { CN: 'x' } },
    };
    const { value } = await call('changeCredential', { params, body });
    expect(value).toMatchObject({
      notAfter: '2029-12-31T23:00:00.000Z',
      allowedAddresses: ['10.0.0.0/8'],
      registeredValues: { subject: { CN: ['x'] } },
      username: 'bob',
    });
    expect(value).not.toHaveProperty('usageLimit');
    await expect(call('changeCredential', { params, body: { username: 'ann' } })).rejects.toMatchObject({
      status: 400,
      errors: [{ pointer: '#/username' }],
    });
    await expect(
      call('changeCredential', { params, body: { notBefore: '2031-01-01T00:00:00Z' } }),
    ).rejects.toMatchObject({ status: 422 });
    await expect(
      call('changeCredential', { params: named('factory-1'), body: { usageLimit: 3 } }),
    ).rejects.toMatchObject({
      status: 422,
      errors: [{ pointer: '#/usageLimit' }],
    });
  });

  it('keep their uses, and their secrets, when they change', async () => {
    const { store } = test.gateway.core;
    const which = { authenticationPolicy: 'own', name: 'cmp' };
    const before = await store.credentials.findByName(which);
    await store.commit({
      statements: [store.credentials.consume({ id: before?.id ?? '', now: Date.now() })],
      audit: [],
    });
    await call('changeCredential', { params: named('cmp'), body: { usageLimit: 5 } });
    expect(await store.credentials.findByName(which)).toMatchObject({ uses: 1, usageLimit: 5, sealed: before?.sealed });
  });

  it('let one of many changes through that were made of the same one', async () => {
    const params = named('some-3');
    const { value } = await call('getCredential', { params });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        call('changeCredential', { params, body: { usageLimit: index + 1 }, ifMatch: value }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 412 });
    }
  });

  it('are refused when another process has changed the same meanwhile', async () => {
    const { core } = test.gateway;
    const params = named('some-3');
    let left = 1;
    const commit: typeof core.store.commit = async (change) => {
      if (left-- > 0) await call('changeCredential', { params, body: { usageLimit: 77 } });
      await core.store.commit(change);
    };
    const slower = createCaller(createOperations({ ...core, version: '0', store: { ...core.store, commit } }));
    const late = slower('changeCredential', { params, body: { usageLimit: 78 } });
    await expect(late).rejects.toMatchObject({ status: 412 });
    expect((await call('getCredential', { params })).value).toMatchObject({ usageLimit: 77 });
  });

  it('are deleted only where they were never used', async () => {
    await call('deleteCredential', { params: named('some-3') });
    await expect(call('getCredential', { params: named('some-3') })).rejects.toMatchObject({ code: 'not-found' });
    await expect(call('deleteCredential', { params: named('cmp') })).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'the credential cmp was used; revoke it instead',
    });
  });

  it('are not deleted where a policy names them', async () => {
    const patch = (cmp: object) =>
      call('changeCertificatePolicy', { params: { name: 'fleet' }, body: { authenticationPolicy: 'own', cmp } });
    await patch({ registrationAuthorities: ['factory-1'] });
    await expect(call('deleteCredential', { params: named('factory-1') })).rejects.toMatchObject({
      message: 'policy fleet names the credential factory-1; change it first',
    });
    await patch({ registrationAuthorities: null });
    await call('deleteCredential', { params: named('factory-1') });
    const anchors = test.gateway.core.catalog().authenticationPolicies.get('own')?.anchors;
    expect(anchors?.map(({ name }) => name)).toEqual(['factory-2']);
  });

  it('are revoked once, and stay as they are then', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => call('revokeCredential', { params: named('factory-2') })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'invalid-state' });
    }
    expect(test.gateway.core.catalog().authenticationPolicies.get('own')?.anchors).toEqual([]);
    const { value } = await call('listCredentials', { params: own, query: { state: 'revoked' } });
    expect(value).toMatchObject({ items: [{ name: 'factory-2', revokedAt: expect.any(String) }] });
    await expect(
      call('changeCredential', { params: named('factory-2'), body: { notAfter: '2040-01-01T00:00:00Z' } }),
    ).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('belong to the division of their authentication policy', async () => {
    const scope = new Set(['office']);
    for (const id of ['getCredential', 'revokeCredential', 'deleteCredential']) {
      await expect(call(id, { params: named('cmp'), scope })).rejects.toMatchObject({ code: 'not-found' });
    }
    await expect(call('listCredentials', { params: own, scope })).rejects.toMatchObject({ code: 'not-found' });
  });
});
