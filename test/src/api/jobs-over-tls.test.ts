/** Jobs through the management listener as clients use it: files in pieces, archives that break off, and who may have what. */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { strToU8, unzipSync, zipSync } from 'fflate';
import { createApiKey } from '../../../src/access/api-keys.js';
import { everything } from '../../../src/access/grants.js';
import { findArchivedJob } from '../../../src/jobs/archive/open-archive.js';
import type { Grant } from '../../../src/model/access.js';
import { type ApiClient, createApiClient } from '../../support/api-client.js';
import { applyYaml, fleet, policyLike } from '../../support/fleet.js';
import { requireTool } from '../../support/interop.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { createIdentity, createOpenSsl, type OpenSsl } from '../cms/openssl.js';
import { finished, jobThat } from '../jobs/job-store.js';

let test: TestGateway;
let openssl: OpenSsl;
let key: string;
let creator: ApiClient;
const clients: ApiClient[] = [];

beforeAll(async () => {
  openssl = createOpenSsl();
  createIdentity(openssl, 'owner', 'rsa');
  test = await startTestGateway({
    configuration: fleet.replace('[{ name: plant }]', '[{ name: plant }, { name: lab }]'),
  });
  await applyYaml(test, policyLike('batch', 'methods: [batch]'));
  key = await keyOf({ role: 'device-creator', division: 'plant' });
  creator = client(key);
});
afterAll(async () => {
  for (const each of clients) each.close();
  openssl.remove();
  await test.close();
});

let names = 0;

async function keyOf(grant: Grant): Promise<string> {
  const root = { actor: { name: 'test', person: 'test' }, grants: everything };
  return (await createApiKey({ name: `key-${++names}`, grants: [grant] }, root, test.gateway.core)).key;
}

function client(text: string): ApiClient {
  const made = createApiClient(test, text);
  clients.push(made);
  return made;
}

interface Job {
  readonly id: string;
  readonly state: string;
  readonly progress: { readonly total: number; readonly done: number; readonly failed: number };
}

async function newJob(kind = 'register-devices', options: object = { group: 'pumps' }): Promise<string> {
  const answer = await creator.post('/jobs', { kind, options });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
  return (answer.body as Job).id;
}

async function jobOf(id: string): Promise<Job> {
  return (await creator.get(`/jobs/${id}`)).body as Job;
}

/** A request whose body is written by hand. */
function begin(method: string, path: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
  return request({
    host: '127.0.0.1',
    port: test.gateway.listeners.adminPort,
    path: `/api/v1${path}`,
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    rejectUnauthorized: false,
  });
}

function answered(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
}

async function octetsOf(answer: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('the rows of a job', () => {
  it('are read while they come, in pieces that end anywhere', async () => {
    const id = await newJob();
    const outgoing = begin('PUT', `/jobs/${id}/input?name=pumps.csv`, { 'content-type': 'text/csv; charset=utf-8' });
    const answer = answered(outgoing);
    outgoing.write('na');
    outgoing.write(`me\npump-${'a'.repeat(20)}\npu`);
    await jobThat(test.gateway.core, id, ({ state }) => state === 'loading');
    outgoing.end('mp-2\n');
    const { statusCode } = await answer;
    expect(statusCode).toBe(200);
    expect(await finished(test.gateway.core, id)).toMatchObject({ inputName: 'pumps.csv', total: 2, done: 2 });
  });

  it('may come in a ZIP archive', async () => {
    const id = await newJob();
    const archive = zipSync({ 'pumps.csv': strToU8('name\nzipped-1\nzipped-2\n') });
    const answer = await creator.put(`/jobs/${id}/input`, archive, { 'content-type': 'application/zip' });
    expect([answer.status, (answer.body as Job).progress]).toEqual([200, { total: 2, done: 0, failed: 0 }]);
  });

  it('are none where the sender goes in the middle, and can be sent again', async () => {
    const id = await newJob();
    const outgoing = begin('PUT', `/jobs/${id}/input`, { 'content-type': 'text/csv' });
    const failure = answered(outgoing).catch((error: Error) => error.message);
    outgoing.write('name\n');
    for (let i = 0; i < 1200; i++) outgoing.write(`broken-${i}\n`);
    await jobThat(test.gateway.core, id, ({ total }) => total >= 1000);
    outgoing.destroy();
    expect(await failure).toBe('socket hang up');
    await jobThat(test.gateway.core, id, ({ state }) => state === 'draft');
    expect((await jobOf(id)).progress.total).toBe(0);
    const again = await creator.put(`/jobs/${id}/input`, 'name\nbroken-1\n', { 'content-type': 'text/csv' });
    expect(again.status).toBe(200);
    expect((await finished(test.gateway.core, id)).done).toBe(1);
  });

  it.each([
    ['of another type', { 'content-type': 'application/json' }, 415],
    ['of no type', {}, 415],
    ['in a Content-Encoding', { 'content-type': 'text/csv', 'content-encoding': 'gzip' }, 415],
    ['that are more than 1 GiB', { 'content-type': 'text/csv', 'content-length': String(2 ** 30 + 1) }, 413],
  ])('are refused %s before they are read', async (_, headers, status) => {
    const id = await newJob();
    const outgoing = begin('PUT', `/jobs/${id}/input`, { 'transfer-encoding': 'chunked', ...headers });
    if ('content-length' in headers) outgoing.removeHeader('transfer-encoding');
    const answer = answered(outgoing);
    outgoing.write('name\n');
    expect((await answer).statusCode).toBe(status);
    outgoing.destroy();
    expect(await jobOf(id)).toMatchObject({ state: 'draft', progress: { total: 0 } });
  });

  it('are refused with the lines that are wrong', async () => {
    const id = await newJob();
    const answer = await creator.put(`/jobs/${id}/input`, 'nam\npump-9\n', { 'content-type': 'text/csv' });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('line 1') } });
  });

  it('give results and failures as files', async () => {
    const id = await newJob();
    const csv = 'name,group\nfile-1,\nfile-2,nowhere\n';
    await creator.put(`/jobs/${id}/input`, csv, { 'content-type': 'text/csv' });
    await finished(test.gateway.core, id);
    const failures = await creator.get(`/jobs/${id}/failures`);
    expect(failures.headers).toMatchObject({
      'content-type': 'text/csv',
      'content-disposition': `attachment; filename="job-${id}-failures.csv"`,
    });
    expect(failures.text).toContain('file-2,nowhere,not-found,');
    const results = await creator.get(`/jobs/${id}/results?format=jsonl`);
    const lines = results.text.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).state)).toEqual(['done', 'failed']);
  });
});

async function issueJob(count: number): Promise<string> {
  const recipient = Buffer.from(openssl.read('owner.pem')).toString();
  const id = await newJob('issue-certificates', { policy: 'batch', keys: 'gateway', archive: { recipient } });
  const rows = Array.from({ length: count }, () => `CN=device-${++names}\n`).join('');
  await creator.put(`/jobs/${id}/input`, `subject\n${rows}`, { 'content-type': 'text/csv' });
  expect(await finished(test.gateway.core, id)).toMatchObject({ done: count, failed: 0 });
  return id;
}

async function hasKeys(id: string): Promise<boolean> {
  return (await findArchivedJob(id, test.gateway.core)).sealedJobKey !== null;
}

/** They are destroyed after the client has closed its side: a moment after it has everything. */
async function keysAreGone(id: string): Promise<void> {
  while (await hasKeys(id)) await new Promise((resolve) => setTimeout(resolve, 10));
}

function opened(archive: Uint8Array): Readonly<Record<string, Uint8Array>> {
  openssl.write('keys.p7m', archive);
  const files = ['-in', 'keys.p7m', '-recip', 'owner.pem', '-inkey', 'owner.key'];
  return unzipSync(openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', ...files));
}

const itWithCurl = requireTool('curl', 'the archive of a job') ? it : it.skip;

describe('the archive of a job', () => {
  itWithCurl('is had once with curl, and what it has in it fits together', async () => {
    const id = await issueJob(3);
    const url = `https://localhost:${test.gateway.listeners.adminPort}/api/v1/jobs/${id}/archive`;
    const output = join(test.directory, 'keys.p7m');
    const words = ['-sSk', '-H', `X-API-Key: ${key}`, '-o', output, '-w', '%{http_code} %{content_type}', url];
    expect((await promisify(execFile)('curl', words)).stdout).toBe('200 application/pkcs7-mime');
    const files = opened(await readFile(output));
    const [folder = ''] = Object.keys(files).flatMap((name) => /^(0000001-.*)\/key\.pem$/.exec(name)?.[1] ?? []);
    const certificate = new X509Certificate(files[`${folder}/certificate.pem`] ?? '');
    openssl.write('row.key', files[`${folder}/key.pem`] ?? new Uint8Array());
    const publicKey = openssl.run('pkey', '-in', 'row.key', '-pubout').toString();
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(publicKey);
    await keysAreGone(id);
    expect(await creator.get(`/jobs/${id}/archive`)).toMatchObject({
      status: 410,
      body: { detail: expect.stringContaining('the keys of the job were destroyed') },
    });
  });

  it('is whole to a client that keeps its connections, which this one ends', async () => {
    const id = await issueJob(30);
    const answer = await answered(begin('GET', `/jobs/${id}/archive`, { connection: 'keep-alive' }).end());
    expect(answer.headers.connection).toBe('close');
    expect(Object.keys(opened(await octetsOf(answer)))).toHaveLength(62);
    await keysAreGone(id);
  });

  it('keeps its keys where the download breaks off, and is whole at the next one', async () => {
    // More than the buffers of the client take in by themselves: what its system has and nobody reads tells the gateway.
    const id = await issueJob(150);
    const outgoing = begin('GET', `/jobs/${id}/archive`).end();
    const answer = await answered(outgoing);
    await new Promise((resolve) => answer.once('readable', resolve));
    outgoing.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await hasKeys(id)).toBe(true);
    const again = await answered(begin('GET', `/jobs/${id}/archive`).end());
    expect(Object.keys(opened(await octetsOf(again)))).toHaveLength(302);
    await keysAreGone(id);
  });

  it('keeps its keys until the client says that it has it, where that is asked for, however small it is', async () => {
    const id = await issueJob(1);
    const path = `/jobs/${id}/archive?keep=true`;
    // All of it waits in this client, unread, when it goes: to the gateway that looks like one that has everything.
    const outgoing = begin('GET', path).end();
    const answer = await answered(outgoing);
    await new Promise((resolve) => answer.once('readable', resolve));
    outgoing.destroy();
    // Nor does one that has everything, and has not yet written it to its disk, destroy it.
    for (let i = 0; i < 2; i++) {
      const whole = await answered(begin('GET', path).end());
      expect(Object.keys(opened(await octetsOf(whole)))).toHaveLength(4);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await hasKeys(id)).toBe(true);
    expect((await creator.delete(`/jobs/${id}/archive`)).status).toBe(204);
    expect(await hasKeys(id)).toBe(false);
    expect((await creator.get(`/jobs/${id}/archive?keep=true`)).status).toBe(410);
  });

  it('keeps its keys where only its head is asked for', async () => {
    const id = await issueJob(1);
    const answer = await answered(begin('HEAD', `/jobs/${id}/archive`).end());
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/pkcs7-mime']);
    expect((await octetsOf(answer)).length).toBe(0);
    expect(await hasKeys(id)).toBe(true);
  });

  it('is refused to other roles, and not there for other divisions', async () => {
    const id = await issueJob(1);
    const statusFor = async (grant: Grant) => (await client(await keyOf(grant)).get(`/jobs/${id}/archive`)).status;
    expect(await statusFor({ role: 'auditor', division: 'plant' })).toBe(403);
    expect(await statusFor({ role: 'device-creator', division: 'plant' })).toBe(403);
    expect(await statusFor({ role: 'device-administrator', division: 'lab' })).toBe(404);
    expect(await hasKeys(id)).toBe(true);
  });

  it('goes with its job, and its keys are destroyed then', async () => {
    const id = await issueJob(1);
    expect((await creator.delete(`/jobs/${id}`)).status).toBe(204);
    expect((await creator.get(`/jobs/${id}/archive`)).status).toBe(404);
    const [event] = await test.gateway.core.store.audit.list({ action: 'job.keys-destroyed', subject: id, limit: 2 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({
      reason: 'job-deleted',
      actor: expect.stringMatching(/key-/),
    });
  });
});

describe('jobs', () => {
  it('are refused to roles that may not do what they do', async () => {
    const auditor = client(await keyOf({ role: 'auditor', division: 'plant' }));
    const wanted = { kind: 'register-devices', options: { group: 'pumps' } };
    expect((await auditor.post('/jobs', wanted)).status).toBe(403);
    const renewal = { kind: 'renew-certificates', options: { division: 'plant' }, select: { policy: 'batch' } };
    expect((await creator.post('/jobs', renewal)).status).toBe(403);
  });

  it('are not there for other divisions', async () => {
    const foreigner = client(await keyOf({ role: 'device-administrator', division: 'lab' }));
    const id = await newJob();
    expect((await foreigner.get(`/jobs/${id}`)).status).toBe(404);
    expect((await foreigner.put(`/jobs/${id}/input`, 'name\nx\n', { 'content-type': 'text/csv' })).status).toBe(404);
    expect((await foreigner.post('/jobs', { kind: 'register-devices', options: { group: 'pumps' } })).status).toBe(422);
    expect((await foreigner.get('/jobs')).body).toEqual({ items: [] });
  });
});
