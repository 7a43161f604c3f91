import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ZodError } from 'zod';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { fromPem } from '../../../src/x509/pem.js';
import { call, csrFor, issued, plant, site, startOperatedFleet } from '../../support/operated-fleet.js';
import { eventsOf } from '../../support/records.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  ({ test } = await startOperatedFleet());
});
afterAll(() => test.close());

const refused = (code: string) => ({ code });

describe('GET /certificates', () => {
  it('has pages that go on where the one before ended', async () => {
    for (let i = 0; i < 5; i++) await issued(test, { name: `listed-${i}` });
    const query = { search: 'LISTED', limit: '2', sort: 'notAfter' };
    const subjects: string[] = [];
    let cursor: string | undefined;
    do {
      const { value } = await call(test, 'listCertificates', { query: { ...query, ...(cursor ? { cursor } : {}) } });
      subjects.push(...value.items.map(({ subject }: { subject: string }) => subject));
      cursor = value.next;
    } while (cursor);
    expect(subjects.toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => `CN=listed-${i}`));
  });

  it('says what there is to say of one', async () => {
    const record = await issued(test, { name: 'pump-1', alternatives: [{ type: 'dns', value: 'pump-1.example' }] });
    const { value } = await call(test, 'listCertificates', {
      query: { fingerprint: record.certificateFingerprint.toUpperCase().replace(/(..)(?=.)/g, '$1:') },
      scope: plant,
    });
    expect(value.items).toEqual([
      {
        id: record.id,
        issuer: 'devices-1',
        serialNumber: record.serialNumber,
        status: 'valid',
        subject: 'CN=pump-1',
        subjectAltNames: ['dns:pump-1.example'],
        division: 'plant',
        device: 'pump-1',
        deviceId: record.deviceId,
        policy: 'plant',
        profile: 'device',
        usage: 'operational',
        protocol: 'portal',
        requester: 'operator:olga',
        requestId: record.requestId,
        issuedAt: new Date(record.issuedAt).toISOString(),
        notBefore: new Date(record.notBefore).toISOString(),
        notAfter: new Date(record.notAfter).toISOString(),
        confirmBy: null,
        revokedAt: null,
        revocationReason: null,
        invalidityDate: null,
        replaceBy: null,
        replaces: null,
        supplantedBy: null,
        fingerprint: record.certificateFingerprint,
        keyFingerprint: record.keyFingerprint,
      },
    ]);
  });

  it('takes the conditions that there are', async () => {
    const record = await issued(test, { name: 'conditions', alternatives: [{ type: 'dns', value: 'c.example' }] });
    const end = new Date(record.notAfter).toISOString();
    const query = {
      subject: 'conditions',
      name: 'dns:c.example',
      serialNumber: record.serialNumber,
      keyFingerprint: record.keyFingerprint,
      deviceId: record.deviceId ?? '',
      group: 'pumps',
      division: 'plant',
      policy: 'plant',
      profile: 'device',
      usage: 'operational',
      issuer: 'devices-1',
      protocol: 'portal',
      status: 'valid',
      issuedFrom: '2026-01-01T00:00:00Z',
      issuedBefore: '2099-01-01T00:00:00+02:00',
      expiresFrom: end,
      expiresBefore: '2099-01-01T00:00:00Z',
    };
    expect((await call(test, 'listCertificates', { query })).value.items).toHaveLength(1);
    expect((await call(test, 'listCertificates', { query: { ...query, expiresBefore: end } })).value.items).toEqual([]);
  });

  it.each([
    ['an unknown parameter', { colour: 'red' }],
    ['no page size', { limit: '0' }],
    ['an unknown status', { status: 'gone' }],
    ['what is no hash', { fingerprint: 'abcd' }],
    ['what is no serial number', { serialNumber: 'pump' }],
    ['what is no time', { expiresBefore: 'soon' }],
    ['an unknown order', { sort: 'subject' }],
  ])('refuses %s', async (_what, query) => {
    await expect(call(test, 'listCertificates', { query })).rejects.toThrow(ZodError);
  });

  it('refuses a cursor of another order, or of nobody', async () => {
    const { value } = await call(test, 'listCertificates', { query: { limit: '1' } });
    for (const query of [{ cursor: value.next, sort: 'notAfter' }, { cursor: 'x' }]) {
      await expect(call(test, 'listCertificates', { query })).rejects.toMatchObject({ status: 400 });
    }
  });
});

describe('GET /certificates/{id}', () => {
  it('has the certificate in every form', async () => {
    const { id, der, serialNumber } = await issued(test);
    const content = async (format: string) =>
      (await call(test, 'getCertificateContent', { id, query: { format }, scope: plant })).body;
    const chain = test.gateway.core.authority.chain('devices-1');
    expect(await content('der')).toEqual(der);
    expect(new X509Certificate(await content('pem')).raw).toEqual(Buffer.from(der));
    expect(fromPem(String(await content('chain')), 'CERTIFICATE')).toEqual(
      [der, ...chain].map((c) => Uint8Array.from(c)),
    );
    const pkcs7 = await content('pkcs7');
    expect(typeof pkcs7 === 'string' ? [] : decodeCertsOnly(pkcs7)).toHaveLength(3);
    expect((await call(test, 'getCertificate', { id })).value).toMatchObject({ id, serialNumber });
  });

  it('is not there for who has no rights in its division', async () => {
    const { id } = await issued(test);
    for (const operation of ['getCertificate', 'getCertificateContent', 'getCertificateStory']) {
      await expect(call(test, operation, { id, scope: site })).rejects.toMatchObject(refused('not-found'));
    }
    await expect(call(test, 'getCertificate', { id: 'devices-1:00' })).rejects.toMatchObject(refused('not-found'));
    await expect(call(test, 'getCertificate', { id: '../x' })).rejects.toThrow(ZodError);
  });

  it('has a story', async () => {
    const { id } = await issued(test);
    await call(test, 'revokeCertificate', { id, body: { reason: 'keyCompromise' }, by: 'carl' });
    const { value } = await call(test, 'getCertificateStory', { id, scope: plant });
    expect(value).toMatchObject({
      certificate: { id, status: 'revoked' },
      replacedBy: [],
      events: [
        { action: 'certificate.issued', requester: { id: 'operator:olga' } },
        { action: 'certificate.revoked', actor: 'carl', remoteAddress: '192.0.2.7', requestId: 'request-of-carl' },
      ],
    });
  });
});

describe('actions on certificates', () => {
  it('revoke, hold and release, and answer with what it is then', async () => {
    const { id } = await issued(test);
    expect((await call(test, 'holdCertificate', { id, scope: plant })).value).toMatchObject({ status: 'held' });
    expect((await call(test, 'releaseCertificate', { id, scope: plant })).value).toMatchObject({ status: 'valid' });
    const body = { reason: 'keyCompromise', invalidityDate: '2026-01-31T12:00:00Z' };
    expect((await call(test, 'revokeCertificate', { id, body, scope: plant })).value).toMatchObject({
      status: 'revoked',
      revocationReason: 'keyCompromise',
      invalidityDate: '2026-01-31T12:00:00.000Z',
    });
    await expect(call(test, 'revokeCertificate', { id, body })).rejects.toMatchObject(refused('already-revoked'));
    await expect(call(test, 'holdCertificate', { id })).rejects.toMatchObject(refused('invalid-state'));
  });

  it('do nothing to what was changed since it was read', async () => {
    const { id } = await issued(test);
    const ifMatch = (await call(test, 'getCertificate', { id })).value;
    await call(test, 'holdCertificate', { id, ifMatch });
    for (const operation of ['revokeCertificate', 'releaseCertificate', 'holdCertificate']) {
      await expect(call(test, operation, { id, ifMatch, body: {} })).rejects.toMatchObject({ status: 412 });
    }
    expect((await call(test, 'getCertificate', { id })).value).toMatchObject({ status: 'held' });
  });

  it('do nothing for who has no rights in its division', async () => {
    const { id } = await issued(test);
    for (const operation of ['revokeCertificate', 'releaseCertificate', 'holdCertificate', 'renewCertificate']) {
      const body = operation === 'renewCertificate' ? { key: 'same' } : {};
      await expect(call(test, operation, { id, body, scope: site })).rejects.toMatchObject(refused('not-found'));
    }
  });

  it('revoke many, each for itself', async () => {
    const [first, second] = [await issued(test), await issued(test, { policy: 'site' })];
    const ids = [first.id, second.id];
    const { value } = await call(test, 'revokeCertificates', { body: { ids, reason: 'superseded' }, scope: plant });
    expect(value.outcomes).toEqual([
      { id: first.id, outcome: 'revoked' },
      { id: second.id, outcome: 'refused', code: 'not-found', reason: expect.stringContaining('no certificate') },
    ]);
    const [event] = await eventsOf(test, 'certificate.revoked');
    expect(event?.subject).toBe(first.id);
    for (const wrong of [[], [first.id, first.id], Array.from({ length: 1001 }, (_, i) => `devices-1:${1000 + i}`)]) {
      await expect(call(test, 'revokeCertificates', { body: { ids: wrong } })).rejects.toThrow(ZodError);
    }
    await expect(call(test, 'revokeCertificates', { body: { ids, reason: 'certificateHold' } })).rejects.toThrow(
      ZodError,
    );
  });

  it('plan replacements, and take them back', async () => {
    const { id } = await issued(test);
    const by = '2027-01-01T00:00:00Z';
    const plan = (selection: object, scope = plant) =>
      call(test, 'planReplacements', { body: { by, selection }, scope });
    expect((await plan({ certificate: id })).value).toEqual({ certificates: 1 });
    expect((await call(test, 'getCertificate', { id })).value).toMatchObject({ replaceBy: '2027-01-01T00:00:00.000Z' });
    expect((await plan({ policy: 'plant', issuer: 'devices-1' })).value.certificates).toBeGreaterThan(1);
    const body = { selection: { policy: 'plant' } };
    expect((await call(test, 'cancelReplacements', { body, scope: plant })).value.certificates).toBeGreaterThan(1);
    expect((await call(test, 'getCertificate', { id })).value).toMatchObject({ replaceBy: null });
    await expect(plan({ certificate: id }, site)).rejects.toMatchObject(refused('not-found'));
    await expect(plan({ profile: 'device' })).rejects.toMatchObject(refused('forbidden'));
    await expect(plan({ policy: 'site' })).rejects.toMatchObject({ status: 422 });
    await expect(plan({ policy: 'plant', profile: 'x' })).rejects.toMatchObject({ status: 422 });
    await expect(plan({ policy: 'plant', issuer: 'x-1' })).rejects.toMatchObject({ status: 422 });
    await expect(plan({})).rejects.toThrow(ZodError);
    const past = { by: '2020-01-01T00:00:00Z', selection: { policy: 'plant' } };
    await expect(call(test, 'planReplacements', { body: past })).rejects.toMatchObject({ status: 422 });
  });
});

describe('POST /certificates', () => {
  it('issues, by a PKCS #10 request', async () => {
    const body = { policy: 'plant', csr: csrFor({ name: 'posted-1' }), device: 'posted-1', profile: 'device' };
    const { status, location, value } = await call(test, 'issueCertificate', { body, scope: plant });
    expect([status, location]).toEqual([201, `/certificates/${value.certificate.id}`]);
    expect(value).toMatchObject({ status: 'issued', certificate: { subject: 'CN=posted-1' }, modified: [] });
    expect(new X509Certificate(value.pem).subject).toBe('CN=posted-1');
    expect(value.chain).toHaveLength(2);
  });

  it('makes the key and hands it over once, under a password', async () => {
    const generateKey = { type: 'ec-p256', format: 'encrypted-pkcs8', password: 'correct horse' };
    const body = { policy: 'plant', generateKey, subject: 'CN=posted-2', subjectAltNames: { dns: ['p.example'] } };
    const { value } = await call(test, 'issueCertificate', { body });
    const key = createPrivateKey({ key: value.privateKey, passphrase: 'correct horse' });
    expect(new X509Certificate(value.pem).checkPrivateKey(key)).toBe(true);
    const pkcs12 = { policy: 'plant', subject: 'CN=posted-3', generateKey: { ...generateKey, format: 'pkcs12' } };
    expect((await call(test, 'issueCertificate', { body: pkcs12 })).value.pkcs12).toMatch(/^[A-Za-z0-9+/]+=*$/);
  });

  it('waits for people where the policy says so; the key is made for who asks again', async () => {
    const generateKey = { format: 'pkcs8' };
    const body = { policy: 'manual', generateKey, subject: 'CN=posted-4' };
    const first = await call(test, 'issueCertificate', { body });
    expect(first).toMatchObject({ status: 202, location: `/requests/${first.value.request}` });
    expect(first.value).toMatchObject({ status: 'pending' });
    const again = await call(test, 'issueCertificate', { body });
    expect(again.value).toEqual(first.value);
    const approved = await call(test, 'approveRequest', { id: first.value.request, body: {}, by: 'anna' });
    expect(approved.value).toMatchObject({ state: 'approved', decidedBy: 'anna' });
    const got = await call(test, 'issueCertificate', { body });
    expect([got.status, got.value.privateKey]).toEqual([201, expect.stringContaining('PRIVATE KEY')]);
  });

  it.each([
    ['neither request nor key', {}],
    ['both', { csr: 'x', generateKey: { format: 'pkcs8' } }],
    ['names beside those of the request', { csr: 'x', subject: 'CN=x' }],
    ['a password that is too short', { generateKey: { format: 'pkcs12', password: 'short' } }],
    ['a key in the clear with a password', { generateKey: { format: 'pkcs8', password: 'long enough' } }],
    ['an unknown type of key', { generateKey: { format: 'pkcs8', type: 'dsa' } }],
    ['an unknown field', { csr: 'x', colour: 'red' }],
  ])('refuses %s', async (_what, body) => {
    await expect(call(test, 'issueCertificate', { body: { policy: 'plant', ...body } })).rejects.toThrow(ZodError);
  });

  it('refuses what its policy does, and policies of other divisions', async () => {
    const csr = csrFor({ name: 'posted_5' });
    const issue = (policy: string) => call(test, 'issueCertificate', { body: { policy, csr }, scope: plant });
    await expect(issue('plant')).rejects.toMatchObject(refused('rejected-name'));
    await expect(issue('fleet')).rejects.toMatchObject(refused('forbidden'));
    await expect(issue('site')).rejects.toMatchObject({ status: 422 });
  });
});

describe('POST /certificates/{id}/renew', () => {
  it('renews for the same key, another one, and one that the gateway makes', async () => {
    const { id, keyFingerprint } = await issued(test, { name: 'renewed-1' });
    const renew = async (body: object) => (await call(test, 'renewCertificate', { id, body, scope: plant })).value;
    expect((await renew({ key: 'same' })).certificate).toMatchObject({ replaces: id, keyFingerprint });
    expect((await renew({ csr: csrFor({ name: 'renewed-1' }) })).certificate).toMatchObject({ replaces: id });
    const made = await renew({ generateKey: { format: 'pkcs8' } });
    expect(new X509Certificate(made.pem).checkPrivateKey(createPrivateKey(made.privateKey))).toBe(true);
    for (const body of [{}, { key: 'new' }, { key: 'same', csr: 'x' }]) {
      await expect(renew(body)).rejects.toThrow(ZodError);
    }
  });
});
