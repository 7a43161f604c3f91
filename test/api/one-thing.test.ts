/** Whatever operations there are: for whom one thing is not there, and what becomes of a change of what was changed since. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { exampleOf } from '../../src/api/example.js';
import type { OpenApiDocument, OpenApiOperation } from '../../src/api/openapi.js';
import { createOperations } from '../../src/api/operations.js';
import { roles } from '../../src/model/access.js';
import type { ApiMessage } from '../support/api-message.js';
import { principal, startApiServer } from '../support/api-server.js';
import { applyYaml, policyLike } from '../support/fleet.js';
import { enrollGateway, gateways } from '../support/gateway-fleet.js';
import { issued, startOperatedFleet, waiting } from '../support/operated-fleet.js';

const { test } = await startOperatedFleet();
await applyYaml(test, policyLike('batch', 'methods: [batch]'));
await applyYaml(test, gateways);
const { core } = test.gateway;
const api = await startApiServer({
  operations: createOperations({ ...core, version: '0.0.0' }),
  principals: {
    all: principal('all', { role: 'solution-administrator' }),
    elsewhere: principal('elsewhere', ...roles.map((role) => ({ role, division: 'site' }))),
  },
  services: core,
});
const document = (await api.send('/api/openapi.json')).body as OpenApiDocument;

afterAll(async () => {
  await api.close();
  await test.close();
});

/** Of division plant, by the noun that its path begins with; the last three kinds belong to no division. */
const things: Readonly<Record<string, Readonly<Record<string, string>>>> = await makeThings();
const ofNoDivision = ['certificate-templates', 'certificate-profiles', 'certificate-authorities'];

/** Where what the documentation takes for an example would not do. */
const bodies: Readonly<Record<string, unknown>> = {
  renewCertificate: { key: 'same' },
  evaluateCertificatePolicy: { protocol: 'portal', generateKey: {} },
  moveDevice: { group: 'valves' },
  setUserPassword: { password: 'correct horse battery' },
};

const operations = Object.entries(document.paths)
  .filter(([path]) => path.includes('{'))
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ id: operation.operationId, method, path, operation })),
  );
const lists = Object.entries(document.paths).flatMap(([path, { get }]) => {
  return get === undefined || path.includes('{') ? [] : [{ id: get.operationId, path }];
});
const changes = operations.filter(
  ({ method, operation }) => method !== 'get' && operation.parameters?.some(({ name }) => name === 'If-Match'),
);

describe('Operations on one thing of a division', () => {
  it.each(operations)('$id: it is not there for who has rights in another division only', async (each) => {
    const before = await changesOnRecord();
    const { status } = await send(each, { key: 'elsewhere' });
    const isRead = each.method === 'get';
    expect(status).toBe(ofNoDivision.includes(nounOf(each.path)) ? (isRead ? 200 : 403) : 404);
    expect(await changesOnRecord()).toBe(before);
  });
});

describe('What is there for who has rights in another division only', () => {
  it.each(lists)('$id: nothing of this one', async ({ path }) => {
    const { status, text } = await api.send(`/api/v1${path}`, { key: 'elsewhere' });
    expect([200, 403]).toContain(status);
    const ofDivision = Object.entries(things).filter(([noun]) => !ofNoDivision.includes(noun));
    const names = ofDivision.flatMap(([, params]) => Object.values(params));
    expect(names.filter((name) => text.includes(`"${name}"`))).toEqual([]);
  });
});

describe('Changes of one thing', () => {
  it.each(changes)('$id: nothing is done to what was changed since it was read', async (each) => {
    const before = await changesOnRecord();
    const { status } = await send(each, { key: 'all', headers: { 'if-match': '"of-another-time"' } });
    expect(status).toBe(412);
    expect(await changesOnRecord()).toBe(before);
  });
});

interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

async function send({ id, method, path, operation }: Operation, message: ApiMessage) {
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const params = things[nounOf(path)] ?? {};
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''));
  if (type === undefined || content === undefined) return await api.send(`/api/v1${filled}`, { ...message, method });
  const example =
    method === 'put' && type.endsWith('json')
      ? (await api.send(`/api/v1${filled}`, { key: 'all' })).body
      : (bodies[id] ?? exampleOf(content.schema, document.components.schemas));
  const body = type.endsWith('json') ? JSON.stringify(example) : 'name\npump-1\n';
  const headers = { ...message.headers, 'content-type': type };
  return await api.send(`/api/v1${filled}`, { ...message, method, headers, body });
}

function nounOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** How many events there are of what was done, not refused. */
async function changesOnRecord(): Promise<number> {
  const events = await core.store.audit.list({ limit: 10_000 });
  return events.filter(({ action }) => !action.endsWith('.refused') && action !== 'crl.published').length;
}

async function makeThings() {
  const post = async (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const message = { method: 'POST', key: 'all', headers, body: JSON.stringify(body) };
    const answer = await api.send(`/api/v1${path}`, message);
    expect(answer.status).toBe(201);
    return answer.body as Readonly<Record<string, string>>;
  };
  const { id: certificate } = await issued(test);
  const request = await waiting(test, {});
  const { id: device = '' } = await post('/devices', { name: 'pump-1', group: 'pumps' });
  const [event] = await core.store.audit.list({ device, limit: 1 });
  const options = { policy: 'batch', keys: 'csr' };
  const { id: job = '' } = await post('/jobs', { kind: 'issue-certificates', options });
  const { id: unmanagedCa } = await enrollGateway(test, 'gw-1');
  const grants = [{ role: 'auditor', division: 'plant' }];
  await post('/users', { name: 'paula', grants });
  await post('/api-keys', { name: 'of-plant', grants });
  return {
    divisions: { name: 'plant' },
    'device-groups': { name: 'pumps' },
    devices: { id: device },
    'authentication-policies': { name: 'fleet', credential: 'fleet' },
    'certificate-policies': { name: 'plant' },
    certificates: { id: certificate },
    'unmanaged-cas': { id: unmanagedCa },
    requests: { id: request },
    jobs: { id: job },
    users: { name: 'paula', fingerprint: '0'.repeat(64) },
    'api-keys': { name: 'of-plant' },
    'audit-events': { id: event?.id ?? '' },
    'certificate-templates': { name: 'device' },
    'certificate-profiles': { name: 'device' },
    'certificate-authorities': { name: 'devices', generation: 'devices-1', fingerprint: '0'.repeat(64) },
  };
}
