/** Whatever lists there are: each of their sorts, page by page in both directions, and the cursors of one in another. */
import { afterAll, describe, expect, it } from '@jest/globals';
import type { OpenApiDocument } from '../../src/api/openapi.js';
import { createOperations } from '../../src/api/operations.js';
import { decodeCertificate, fingerprint } from '../../src/x509/certificate.js';
import { principal, startApiServer } from '../support/api-server.js';
import { applyYaml } from '../support/fleet.js';
import { issuedBelow } from '../support/gateway-fleet.js';
import { issued, startOperatedFleet, waiting } from '../support/operated-fleet.js';

const { test, clock } = await startOperatedFleet();
const { core } = test.gateway;
const api = await startApiServer({
  operations: createOperations({ ...core, version: '0.0.0' }),
  principals: { all: principal('all', { role: 'solution-administrator' }) },
  services: core,
});
const document = (await api.send('/api/openapi.json')).body as OpenApiDocument;

afterAll(async () => {
  await api.close();
  await test.close();
});

interface List {
  readonly id: string;
  readonly path: string;
  readonly sorts: readonly string[];
}

const lists: readonly List[] = Object.entries(document.paths).flatMap(([path, { get }]) => {
  const sorts = get?.parameters?.find(({ name }) => name === 'sort')?.schema.enum;
  return get === undefined || sorts === undefined ? [] : [{ id: get.operationId, path, sorts: sorts.map(String) }];
});

const ids = await makeThings();

type Item = Readonly<Record<string, unknown>>;
interface Page {
  readonly items: readonly Item[];
  readonly next?: string;
}

async function send(path: string, query: Readonly<Record<string, string>>) {
  const filled = path.replace('{name}', 'fleet').replace('{id}', idFor(path));
  return await api.send(`/api/v1${filled}?${new URLSearchParams(query)}`, { key: 'all' });
}

function idFor(path: string): string {
  if (path.startsWith('/unmanaged-cas/')) return ids.unmanagedCa;
  return path.startsWith('/jobs/') ? ids.job : ids.device;
}

async function pageOf(path: string, query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await send(path, query);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.body as Page;
}

/** Page by page. */
async function walk(path: string, sort: string, limit: number) {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await pageOf(path, { sort, limit: String(limit), ...(cursor ? { cursor } : {}) });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  return items;
}

const named = (items: readonly Item[]) =>
  items.map(({ id, name, row, serialNumber }) => id ?? name ?? row ?? serialNumber);

/** Neither the reads of a test nor the gateway itself add anything to these lists, but to this one. */
const audit = 'listAuditEvents';

describe('Lists of the management API', () => {
  it('can all be sorted, but for a fixed one', () => {
    const unsorted = Object.values(document.paths).flatMap(({ get }) =>
      get?.operationId.startsWith('list') && !lists.some(({ id }) => id === get.operationId) ? [get.operationId] : [],
    );
    expect(unsorted.sort()).toEqual(['listCrls', 'listRoles']);
  });

  it.each(lists)('$id has each item once in every order and size of pages', async ({ id, path, sorts }) => {
    for (const sort of sorts.filter((each) => !each.startsWith('-'))) {
      const items = await walk(path, sort, 1000);
      expect(items.length).toBeGreaterThan(1);
      expect(new Set(named(items)).size).toBe(items.length);
      const values = items.map((item) => String(item[sort] ?? ''));
      if (items.some((item) => item[sort] !== undefined)) expect(values).toEqual(values.toSorted(byCodePoint));
      const [paged, back] = [await walk(path, sort, 2), await walk(path, `-${sort}`, 3)];
      const count = id === audit ? items.length : undefined;
      expect(named(paged).slice(0, count)).toEqual(named(items));
      expect(named(back).reverse().slice(0, count)).toEqual(named(items));
    }
  });

  it.each(lists)('$id refuses the cursor of every other order', async ({ path, sorts }) => {
    for (const sort of sorts) {
      const { next = '' } = await pageOf(path, { sort, limit: '1' });
      for (const other of sorts.filter((each) => each !== sort)) {
        const answer = await send(path, { sort: other, limit: '1', cursor: next });
        expect(answer.body).toMatchObject({
          status: 400,
          code: 'malformed-request',
          detail: `cursor is not of a list with sort=${other}; keep the sort that the list began with, or leave the cursor out`,
        });
      }
    }
  });

  it.each(lists)('$id refuses what is no cursor, or has no place in it', async ({ path, sorts }) => {
    const [sort = ''] = sorts;
    const written = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const wrong = [
      { sort },
      { sort, position: {} },
      { sort, position: { value: null, name: 'a', id: 'a' } },
      [1],
      null,
    ];
    for (const cursor of ['x', ...wrong.map(written)]) {
      expect((await send(path, { sort, cursor })).body).toMatchObject({
        status: 400,
        detail: 'cursor is not one of an earlier page; leave it out to begin again',
      });
    }
  });
});

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Several of everything: some at the same moment, the others later, and not in the order of their names.
 * @returns a job with rows, a device with certificates, and an unmanaged CA with such that it has issued
 */
async function makeThings() {
  const send = async (method: string, path: string, type: string, body: string) => {
    const answer = await api.send(`/api/v1${path}`, { method, key: 'all', headers: { 'content-type': type }, body });
    const status = method === 'PUT' ? 200 : 201;
    expect({ path, status: answer.status, text: answer.text }).toEqual({ path, status, text: expect.anything() });
    return answer.body as Item;
  };
  const post = (path: string, body: unknown) => send('POST', path, 'application/json', JSON.stringify(body));
  const grants = [{ role: 'auditor', division: 'plant' }];
  const make = async (...names: string[]) => {
    for (const name of names) {
      await post('/users', { name, grants });
      await post('/api-keys', { name, grants });
      await post('/divisions', { name: `division-${name}` });
      await post('/device-groups', { name: `group-${name}`, division: 'plant' });
      await post('/certificate-authorities', {
        name: `ca-${name}`,
        subject: `CN=${name}`,
        key: 'ec-p256',
        validity: '1y',
      });
      await post('/certificate-profiles', {
        name: `profile-${name}`,
        template: 'basic-device',
        validity: '1d',
        subject: [{ attribute: 'commonName', source: 'request' }],
      });
      await post('/authentication-policies/fleet/credentials', { kind: 'passcode', name: `passcode-${name}` });
      await post('/jobs', { kind: 'register-devices', options: { group: 'pumps' }, name: `job of ${name}` });
      await post('/jobs', { kind: 'register-devices', options: { group: 'pumps' } });
      await issued(test, { name: `device-${name}` });
      await issued(test, { name: 'pump' });
      await waiting(test, { name: `waiting-${name}` });
      await makeUnmanagedCa(name);
    }
  };
  await make('m', 'b');
  clock.advance(60);
  await make('z', 'a');
  clock.advance(60);
  await make('k');
  await applyYaml(test, 'divisions: [{ name: division-b, description: changed }]');
  const { id: job } = await post('/jobs', { kind: 'register-devices', options: { group: 'pumps' }, start: false });
  await send('PUT', `/jobs/${job}/input`, 'text/csv', 'name\nz\na\nm\nk\n');
  return {
    job: String(job),
    device: (await issued(test, { name: 'pump' })).deviceId ?? '',
    unmanagedCa: unmanagedCaId('m'),
  };
}

function unmanagedCaId(name: string): string {
  return `unmanaged-${name}`;
}

/** With nothing but its record; what it has issued is that of the first one. */
async function makeUnmanagedCa(name: string): Promise<void> {
  const { store } = core;
  const der = issuedBelow('m', name);
  const { serialNumber, notBefore, notAfter } = decodeCertificate(der);
  const createdAt = clock.now().getTime();
  const ca = { id: unmanagedCaId(name), division: 'plant', deviceId: null, subject: `CN=${name}`, createdAt };
  const certificate = {
    unmanagedCaId: unmanagedCaId('m'),
    serialNumber,
    issuerKey: '',
    subject: `CN=${name}`,
    names: '',
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    fingerprint: fingerprint(der),
    der,
    status: 'valid',
    revokedAt: null,
    revocationReason: null,
    reportedAt: createdAt,
  } as const;
  const statements = [store.unmanagedCas.insert(ca), store.unmanagedCertificates.insert(certificate)];
  await store.commit({ statements, audit: [] });
}
