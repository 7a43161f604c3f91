/** A fleet from nothing to its audit log, over the gateway's own listeners; on the way each documented operation has to succeed. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createOperations } from '../../src/api/operations.js';
import { fromPem, toPem } from '../../src/x509/pem.js';
import { signLink } from '../src/authorities/foreign-link.js';
import { type ApiClient, createApiClient } from '../support/api-client.js';
import type { ApiAnswer } from '../support/api-message.js';
import type { TlsIdentity } from '../support/est-client.js';
import { applyYaml, fleet } from '../support/fleet.js';
import { enrollGateway, gateways } from '../support/gateway-fleet.js';
import { deviceKey } from '../support/make-csr.js';
import { createManufacturer } from '../support/manufacturer.js';
import { makeCrl, makeRoot, withOpenssl } from '../support/openssl-folder.js';
import { createRestClient, csrPem, issuedOf } from '../support/rest-client.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';

type Json = ReturnType<typeof JSON.parse>;

const berta: TlsIdentity = createManufacturer('Utility').device('CN=berta');
const alice = { authorization: `Basic ${Buffer.from('alice:a long password of alice').toString('base64')}` };
const done = new Set<string>();
let test: TestGateway;
let administrator: ApiClient;
let people: ApiClient;
let bertasClient: ApiClient;
/** What later steps need of earlier ones. */
let passcode = '';
let device = '';
let fingerprint = '';

beforeAll(async () => {
  test = await startTestGateway({ settings: { adminClientCertificates: 'true' }, configuration: fleet });
  administrator = createApiClient(test, await firstKey(), { done });
  people = createApiClient(test, '', { done });
  bertasClient = createApiClient(test, '', { done, identity: berta });
});
afterAll(async () => {
  for (const client of [administrator, people, bertasClient]) client.close();
  await test.close();
});

/** The body of an answer that has the status. */
function bodyOf(answer: ApiAnswer, status = 200): Json {
  if (answer.status !== status) throw new Error(`${answer.status} in place of ${status}: ${answer.text}`);
  return answer.body;
}

async function firstKey(): Promise<string> {
  return (await readFile(join(test.directory, 'first-administrator-key'), 'utf8')).trim();
}

/** Everything that a configuration consists of, in the order in which each needs the ones before it. */
const configuration: readonly (readonly [collection: string, object: (name: string) => Json])[] = [
  ['divisions', (name) => ({ name })],
  ['device-groups', (name) => ({ name, division: 'waterworks' })],
  ['authentication-policies', (name) => ({ name, division: 'waterworks', methods: ['rest', 'batch'] })],
  [
    'certificate-templates',
    (name) => ({
      name,
      keys: { ec: { curves: ['P-256'] } },
      keyUsages: ['digitalSignature'],
      subjectAttributes: ['commonName'],
      maximumValidity: '120d',
    }),
  ],
  [
    'certificate-profiles',
    (name) => ({
      name,
      template: 'waterworks',
      subject: [{ attribute: 'commonName', source: 'device', field: 'name', required: true }],
      validity: '90d',
    }),
  ],
  [
    'certificate-policies',
    (name) => ({
      name,
      division: 'waterworks',
      authenticationPolicy: 'waterworks',
      profiles: [{ usage: 'operational', profile: 'waterworks' }],
      issuingCa: 'waterworks',
      methods: ['rest', 'batch'],
      keyGeneration: ['device', 'gateway'],
      devices: 'registered',
      defaultGroup: 'waterworks',
    }),
  ],
];

describe('The life of a fleet over the management API', () => {
  it('begins with its CA', async () => {
    const ca = {
      name: 'waterworks',
      parent: 'root',
      subject: 'CN=Waterworks',
      key: 'ec-p256',
      validity: '5y',
      pathLength: 0,
    };
    const made = bodyOf(await administrator.post('/certificate-authorities', ca), 201);
    expect(JSON.stringify(made)).toContain('BEGIN CERTIFICATE');
    const changed = await administrator.patch('/certificate-authorities/waterworks', { description: 'of the north' });
    expect(bodyOf(changed)).toMatchObject({ description: 'of the north' });
    expect(bodyOf(await administrator.get('/certificate-authorities/waterworks'))).toEqual(changed.body);
    expect(names(await administrator.get('/certificate-authorities'))).toContain('waterworks');
    bodyOf(await administrator.get('/certificate-authorities/waterworks/usage'));
  });

  it('rolls the CA over and revokes the first key; one CA is taken over, and certifies nothing by itself', async () => {
    const own = '/certificate-authorities/waterworks';
    bodyOf(await administrator.post(`${own}/stage`));
    bodyOf(await administrator.delete(`${own}/next`), 204);
    bodyOf(await administrator.post(`${own}/stage`));
    bodyOf(await administrator.post(`${own}/activate`, {}));
    const { generations } = bodyOf(await administrator.post(`${own}/generations/waterworks-1/revoke`, {}));
    expect(generations).toMatchObject([{ revoked: true }, { id: 'waterworks-3', state: 'current' }]);
    const foreign = { key: 'external' };
    bodyOf(await administrator.post('/certificate-authorities', { ...foreign, name: 'old', subject: 'CN=Old' }), 201);
    bodyOf(
      await administrator.post('/certificate-authorities', { ...foreign, name: 'above', subject: 'CN=Above' }),
      201,
    );
    const site = { name: 'site', parent: 'above', subject: 'CN=Site', key: 'ec-p256', pathLength: 0 };
    bodyOf(await administrator.post('/certificate-authorities', site), 201);
    expect(bodyOf(await administrator.post('/certificate-authorities/site/request')).csr).toContain('REQUEST');
    await withOpenssl(async (openssl) => {
      for (const name of ['old', 'above'])
        makeRoot(openssl, name, { subject: `/CN=${name[0]?.toUpperCase()}${name.slice(1)}` });
      const certificates = openssl.read('above.pem').toString();
      bodyOf(await administrator.post('/certificate-authorities/above/certificate', { certificates }));
      const key = openssl.read('old.key').toString();
      makeCrl(openssl, 'old', { revoked: [{ serial: '0A', reason: 'keyCompromise' }] });
      const crls = openssl.read('old.crl').toString();
      const imported = { key, certificates: openssl.read('old.pem').toString(), crls };
      bodyOf(await administrator.post('/certificate-authorities/old/import', imported));
      const { skipped } = bodyOf(await administrator.post('/certificate-authorities/old/publish'));
      expect(skipped).toEqual([]);
      const listed = bodyOf(await administrator.get('/certificate-authorities/old/crls'));
      expect(listed).toMatchObject({ crls: [{ generation: 'old-1', number: 14, entries: 1 }] });
    });
  });

  it('certifies a foreign CA, takes what that has issued for one here, and ends that', async () => {
    const path = '/certificate-authorities/root';
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'partner', { subject: '/CN=Partner' });
      const certificate = openssl.read('partner.pem').toString();
      const nameConstraints = { permitted: [{ dns: 'partner.example' }] };
      const body = { certificate, nameConstraints, validity: '3y', pathLength: 0 };
      const crossed = bodyOf(await administrator.post(`${path}/cross-certificates`, body), 201);
      expect(crossed).toMatchObject({ issuer: 'root-1', subject: 'CN=Partner', status: 'valid' });
      bodyOf(await administrator.get(`/unmanaged-cas/${crossed.unmanagedCa}`));
      const [generation] = (bodyOf(await administrator.get(path)).generations ?? []) as { certificate: string }[];
      const [own = new Uint8Array()] = fromPem(generation?.certificate ?? '');
      const link = signLink(openssl, { certificate: own, by: 'partner', subject: '/O=Plant/CN=Root' });
      const certificates = `${toPem('CERTIFICATE', link)}${certificate}`;
      const linked = bodyOf(await administrator.post(`${path}/links`, { certificates }), 201);
      const both = bodyOf(await administrator.get(`${path}/cross-certificates`));
      expect(both).toMatchObject({ issued: [{ id: crossed.id }], links: [{ fingerprint: linked.fingerprint }] });
      bodyOf(await administrator.delete(`${path}/links/${linked.fingerprint}`), 204);
      expect((await administrator.delete(`${path}/links/${linked.fingerprint}`)).status).toBe(404);
    });
  });

  it.each(configuration)('goes on with %s: made, read, changed by one of two, deleted', async (collection, object) => {
    const path = `/${collection}/waterworks`;
    const made = await administrator.post(`/${collection}`, object('waterworks'));
    expect([made.status, made.headers.location]).toEqual([201, `/api/v1${path}`]);
    const read = await administrator.get(path);
    expect(read.body).toEqual(made.body);
    const { etag = '' } = read.headers;
    expect((await administrator.get(path, { 'if-none-match': etag })).status).toBe(304);
    const replaced = { ...object('waterworks'), description: 'replaced' };
    expect(bodyOf(await administrator.put(path, replaced, { 'if-match': etag }))).toMatchObject(replaced);
    const tooLate = await administrator.patch(path, { description: 'too late' }, { 'if-match': etag });
    expect(bodyOf(tooLate, 412)).toMatchObject({ code: 'invalid-state' });
    bodyOf(await administrator.patch(path, { description: 'changed' }));
    expect(bodyOf(await administrator.get(path))).toMatchObject({ description: 'changed' });
    expect(names(await administrator.get(`/${collection}`))).toContain('waterworks');
    bodyOf(await administrator.get(`${path}/usage`));
    bodyOf(await administrator.post(`/${collection}`, object('spare')), 201);
    bodyOf(await administrator.delete(`/${collection}/spare`), 204);
    bodyOf(await administrator.get(`/${collection}/spare`), 404);
  });

  it('takes credentials, and tells before what would become of a request', async () => {
    bodyOf(await administrator.post('/certificate-templates/tls-client/clone', { name: 'clone' }), 201);
    const credentials = '/authentication-policies/waterworks/credentials';
    const many = { kind: 'passcode', name: 'visit', count: 3 };
    const { items } = bodyOf(await administrator.post(credentials, many), 201);
    passcode = items[0].secret;
    bodyOf(await administrator.patch(`${credentials}/visit-1`, { usageLimit: 1 }));
    expect(bodyOf(await administrator.get(`${credentials}/visit-1`))).toMatchObject({ usageLimit: 1, uses: 0 });
    bodyOf(await administrator.post(`${credentials}/visit-2/revoke`));
    bodyOf(await administrator.delete(`${credentials}/visit-3`), 204);
    expect(names(await administrator.get(credentials))).toEqual(['visit-1', 'visit-2']);
    bodyOf(await administrator.post(`${credentials}/proof-challenges`), 201);
    const question = { protocol: 'rest', csr: csrPem({ subject: 'CN=station-1' }), caller: { credential: 'visit-1' } };
    const evaluate = () => administrator.post('/certificate-policies/waterworks/evaluate', question);
    expect(bodyOf(await evaluate())).toMatchObject({ outcome: 'denied' });
    bodyOf(await administrator.post('/devices', { name: 'station-1', group: 'waterworks' }), 201);
    expect(bodyOf(await evaluate())).toMatchObject({ outcome: 'approved', certificate: { subject: 'CN=station-1' } });
  });

  it('has devices registered, stopped, moved and retired', async () => {
    bodyOf(await administrator.post('/device-groups', { name: 'store', division: 'waterworks' }), 201);
    for (const name of ['station-2', 'stolen', 'mistake'])
      bodyOf(await administrator.post('/devices', { name, group: 'waterworks' }), 201);
    const { items } = bodyOf(await administrator.get('/devices?group=waterworks&sort=name'));
    const [{ id: mistake }, { id: first }, { id: second }, { id: stolen }] = items;
    device = `/devices/${first}`;
    bodyOf(await administrator.delete(`/devices/${mistake}`), 204);
    bodyOf(await administrator.patch(device, { attributes: { site: 'north' } }));
    expect(bodyOf(await administrator.post(`${device}/suspend`))).toMatchObject({ state: 'suspended' });
    expect(bodyOf(await administrator.post(`${device}/resume`))).toMatchObject({ state: 'registered' });
    bodyOf(await administrator.post(`/devices/${second}/move`, { group: 'store' }));
    bodyOf(await administrator.post(`/devices/${second}/retire`));
    const since = '2026-01-01T00:00:00Z';
    expect(bodyOf(await administrator.post(`/devices/${stolen}/compromise`, { since }))).toMatchObject({
      device: { state: 'suspended' },
    });
    expect(bodyOf(await administrator.get(`/devices/${second}`))).toMatchObject({ group: 'store', state: 'retired' });
  });

  it('enrolls over REST with a passcode and with an API key of a platform, and renews', async () => {
    const grants = [{ role: 'device-creator', division: 'waterworks' }];
    const { key: platformKey } = bodyOf(await administrator.post('/api-keys', { name: 'platform', grants }), 201);
    const csr = csrPem({ subject: 'CN=station-1' });
    const byPasscode = createRestClient(test, { label: 'waterworks', passcode });
    const issued = issuedOf(await byPasscode.post('', { csr }));
    byPasscode.close();
    const identity = { chain: [derOf(issued.certificate)], privateKey: deviceKey.privateKey };
    const byCertificate = createRestClient(test, { label: 'waterworks', identity });
    issuedOf(await byCertificate.post('/renew', { csr }));
    byCertificate.close();
    const platform = createApiClient(test, platformKey, { done });
    bodyOf(await platform.post('/devices', { name: 'station-3', group: 'waterworks' }), 201);
    platform.close();
    const byKey = createRestClient(test, { label: 'waterworks' });
    const wish = { generateKey: { format: 'pkcs8' }, subject: 'CN=station-3' };
    expect(issuedOf(await byKey.post('', wish, { 'x-api-key': platformKey }))).toHaveProperty('privateKey');
    bodyOf(await administrator.post('/api-keys/platform/revoke'));
    expect((await byKey.post('', wish, { 'x-api-key': platformKey })).status).toBe(401);
    byKey.close();
    expect(bodyOf(await administrator.get('/api-keys/platform'))).toMatchObject({ state: 'revoked' });
    expect(names(await administrator.get('/api-keys'))).toContain('platform');
    expect(bodyOf(await administrator.get(device))).toMatchObject({ state: 'operational', certificates: { valid: 2 } });
    expect(bodyOf(await administrator.get(`${device}/certificates`)).items).toHaveLength(2);
    expect(actions(await administrator.get(`${device}/events`))).toContain('certificate.issued');
  });

  it('has its certificates found, renewed, replaced, held and revoked', async () => {
    const wish = { policy: 'waterworks', device: 'station-1', csr: csrPem({ subject: 'CN=station-1' }) };
    bodyOf(await administrator.post('/certificates', wish), 201);
    const { items } = bodyOf(await administrator.get('/certificates?search=station-1&sort=issuedAt'));
    const [first, second] = items.map(({ id }: Json) => `/certificates/${id}`);
    expect(bodyOf(await administrator.get(first))).toMatchObject({ device: 'station-1', status: 'valid' });
    expect((await administrator.get(`${first}/content`)).text).toMatch(/^-----BEGIN CERTIFICATE-----/);
    bodyOf(await administrator.post(`${first}/renew`, { key: 'same' }), 201);
    expect(bodyOf(await administrator.post(`${first}/hold`))).toMatchObject({ status: 'held' });
    expect(bodyOf(await administrator.post(`${first}/release`))).toMatchObject({ status: 'valid' });
    const { etag = '' } = (await administrator.get(first)).headers;
    const reason = { reason: 'superseded' };
    expect(bodyOf(await administrator.post(`${first}/revoke`, reason, { 'if-match': etag })).status).toBe('revoked');
    bodyOf(await administrator.post(`${first}/revoke`, reason), 409);
    bodyOf(await administrator.post('/certificates/revocations', { ids: [items[1].id], reason: 'superseded' }));
    expect(bodyOf(await administrator.get(second))).toMatchObject({ status: 'revoked' });
    expect(actions(await administrator.get(`${first}/story`))).toEqual(
      expect.arrayContaining(['certificate.issued', 'certificate.held', 'certificate.revoked']),
    );
    const selection = { policy: 'waterworks' };
    const by = new Date(Date.now() + 86_400_000).toISOString();
    bodyOf(await administrator.post('/certificates/replacement-plans', { by, selection }));
    bodyOf(await administrator.post('/certificates/replacement-plans/cancel', { selection }));
  });

  it('has users, who log in with passwords and certificates', async () => {
    const grants = [{ role: 'approver', division: 'waterworks' }];
    bodyOf(await administrator.post('/users', { name: 'alice', grants, password: 'a first password of alice' }), 201);
    bodyOf(await administrator.post('/users', { name: 'berta', grants }), 201);
    const certificate = toPem('CERTIFICATE', berta.chain[0] ?? new Uint8Array());
    const { certificates } = bodyOf(await administrator.post('/users/berta/certificates', { certificate }));
    bodyOf(await administrator.post('/users/alice/password', { password: 'a long password of alice' }), 204);
    expect(bodyOf(await people.get('/me', alice))).toMatchObject({ kind: 'user', name: 'alice' });
    expect(bodyOf(await bertasClient.get('/me'))).toMatchObject({ kind: 'user', name: 'berta' });
    bodyOf(await people.get('/users', alice), 403);
    bodyOf(await administrator.post('/users/berta/disable'));
    bodyOf(await bertasClient.get('/me'), 403);
    bodyOf(await administrator.post('/users/berta/enable'));
    bodyOf(await administrator.patch('/users/berta', { displayName: 'Berta' }));
    expect(bodyOf(await administrator.get('/users/berta'))).toMatchObject({ displayName: 'Berta', enabled: true });
    fingerprint = certificates[0].fingerprint;
  });

  it('waits for two people', async () => {
    bodyOf(await administrator.patch('/certificate-policies/waterworks', { approval: 'two-people' }));
    const wanted = [2, 3].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
    const [approved, rejected] = await Promise.all(
      wanted.map(async (notAfter) => {
        const wish = { policy: 'waterworks', csr: csrPem({ subject: 'CN=station-1' }), notAfter };
        return `/requests/${bodyOf(await administrator.post('/certificates', wish), 202).request}`;
      }),
    );
    expect(bodyOf(await people.get('/requests', alice)).items).toHaveLength(2);
    bodyOf(await administrator.post(`${approved}/approve`, {}), 403);
    const once = bodyOf(await people.post(`${approved}/approve`, { comment: 'seen on site' }, alice));
    expect(once.state).toBe('pending');
    bodyOf(await people.post(`${approved}/approve`, {}, alice), 409);
    const twice = bodyOf(await bertasClient.post(`${approved}/approve`, { comment: 'called the plant' }));
    expect(twice).toMatchObject({ state: 'issued', approvals: [{ by: 'user alice' }, { by: 'user berta' }] });
    bodyOf(await bertasClient.post(`${rejected}/reject`, { comment: 'not one of ours' }));
    expect(bodyOf(await administrator.get(rejected ?? ''))).toMatchObject({ state: 'rejected' });
    expect(actions(await administrator.get(`${rejected}/story`))).toContain('request.rejected');
    bodyOf(await administrator.patch('/certificate-policies/waterworks', { approval: null }));
    bodyOf(await administrator.delete(`/users/berta/certificates/${fingerprint}`), 204);
    bodyOf(await bertasClient.get('/me'), 401);
    bodyOf(await administrator.delete('/users/berta'), 204);
    expect(names(await administrator.get('/users'))).toEqual(['alice']);
  });

  it('is done in batches', async () => {
    const options = { group: 'waterworks' };
    const job = await submit({ kind: 'register-devices', options }, 'name\nstation-4\nstation-1\n');
    expect(await ended(job)).toMatchObject({ state: 'finished', progress: { total: 2, done: 1, failed: 1 } });
    expect(bodyOf(await administrator.get(`${job}/rows?state=failed`)).items).toHaveLength(1);
    expect((await administrator.get(`${job}/results`)).text).toContain('station-4');
    expect((await administrator.get(`${job}/failures`)).text).toContain('station-1,duplicate-request');
    const rows = Array.from({ length: 5000 }, (_, index) => `pump-${index}\n`).join('');
    const long = await submit({ kind: 'register-devices', options, start: false }, `name\n${rows}`);
    bodyOf(await administrator.post(`${long}/start`));
    expect(bodyOf(await administrator.post(`${long}/pause`)).state).toBe('paused');
    bodyOf(await administrator.post(`${long}/resume`));
    bodyOf(await administrator.post(`${long}/cancel`));
    expect(await ended(long)).toMatchObject({ state: 'cancelled' });
    bodyOf(await administrator.delete(long), 204);
    expect(bodyOf(await administrator.get('/jobs')).items).toHaveLength(1);
  }, 60_000);

  it('gets keys in an archive, or has them destroyed', async () => {
    const options = { policy: 'waterworks', keys: 'gateway', archive: { password: 'a long password' } };
    const jobs = ['station-3', 'station-4'].map((name) =>
      submit({ kind: 'issue-certificates', options }, `device,subject\n${name},CN=${name}\n`),
    );
    const [fetched = '', destroyed = ''] = await Promise.all(jobs);
    for (const job of [fetched, destroyed]) expect(await ended(job)).toMatchObject({ progress: { done: 1 } });
    const archive = await administrator.get(`${fetched}/archive`);
    expect([archive.status, archive.text.slice(0, 2)]).toEqual([200, 'PK']);
    bodyOf(await administrator.delete(`${destroyed}/archive`), 204);
    bodyOf(await administrator.get(`${destroyed}/archive`), 410);
  }, 60_000);

  it('is not there for administrators of another division', async () => {
    const grants = [{ role: 'solution-administrator', division: 'plant' }];
    const { key } = bodyOf(await administrator.post('/api-keys', { name: 'plant', grants }), 201);
    const others = createApiClient(test, key, { done });
    expect(bodyOf(await people.get('/me', { 'x-api-key': key }))).toMatchObject({ name: 'plant' });
    for (const list of [
      '/divisions',
      '/device-groups',
      '/devices',
      '/certificates',
      '/requests',
      '/jobs',
      '/audit-events',
    ])
      expect(JSON.stringify(bodyOf(await others.get(list)))).not.toMatch(/waterworks|station-/);
    for (const one of [device, '/divisions/waterworks', '/certificate-policies/waterworks'])
      bodyOf(await others.get(one), 404);
    bodyOf(await others.post(`${device}/suspend`), 404);
    bodyOf(await others.patch('/certificate-policies/waterworks', { enabled: false }), 404);
    others.close();
  });

  it('is on record', async () => {
    const { items } = bodyOf(await administrator.get('/audit-events?action=device.registered&limit=5'));
    expect(items[0].details).toMatchObject({ actor: 'API key first-administrator', remoteAddress: '127.0.0.1' });
    bodyOf(await administrator.get(`/audit-events/${items[0].id}`));
    expect(bodyOf(await administrator.post('/audit-events/verify', {}))).toMatchObject({ intact: true });
    bodyOf(await administrator.get('/system'));
    expect(bodyOf(await administrator.get('/system/key-stores'))).toMatchObject({ keyStores: [{ name: 'software' }] });
    bodyOf(await administrator.get('/roles'));
  });

  it('has gateways with CAs of their own', async () => {
    await applyYaml(test, gateways);
    const { id } = await enrollGateway(test, 'gw-1');
    const one = `/unmanaged-cas/${id}`;
    expect(bodyOf(await administrator.get('/unmanaged-cas?search=gw-1')).items).toMatchObject([
      { id, status: 'valid' },
    ]);
    expect(bodyOf(await administrator.get(`${one}/certificates`))).toEqual({ items: [] });
    const watched = await administrator.patch(one, { crlUrl: 'http://gw-1.plant.example/ca.crl' });
    expect(bodyOf(watched)).toMatchObject({ crl: { url: 'http://gw-1.plant.example/ca.crl', state: null } });
    bodyOf(await administrator.patch(one, { crlUrl: null }));
    expect(bodyOf(await administrator.post(`${one}/revoke`, {}))).toMatchObject({ status: 'revoked', crl: null });
    expect(bodyOf(await administrator.get(one)).certificates).toMatchObject([{ revocationReason: 'cACompromise' }]);
  });

  it('has called every operation that is documented', () => {
    const operations = createOperations({ ...test.gateway.core, version: '0.0.0' });
    expect(operations.map(({ id }) => id).filter((id) => !done.has(id))).toEqual([]);
  });
});

function names(answer: ApiAnswer): readonly string[] {
  return bodyOf(answer).items.map(({ name }: Json) => name);
}

function actions(answer: ApiAnswer): readonly string[] {
  const body = bodyOf(answer);
  return (body.items ?? body.events).map(({ action }: Json) => action);
}

function derOf(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}

/** Its path. */
async function submit(job: Json, rows: string): Promise<string> {
  const path = `/jobs/${bodyOf(await administrator.post('/jobs', job), 201).id}`;
  bodyOf(await administrator.put(`${path}/input`, rows, { 'content-type': 'text/csv' }));
  return path;
}

async function ended(path: string): Promise<Json> {
  for (;;) {
    const job = bodyOf(await administrator.get(path));
    if (['finished', 'cancelled'].includes(job.state)) return job;
    await sleep(50);
  }
}
