/** The archives of jobs, opened by openssl, and the end of the keys in them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, get, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { handOver } from '../../../../src/api/hand-over.js';
import { compromiseDevice } from '../../../../src/devices/compromise-device.js';
import { destroyKeys, endOldKeys } from '../../../../src/jobs/archive/destroy-keys.js';
import {
  type Archive,
  findArchivedJob,
  openArchive,
  requireArchive,
} from '../../../../src/jobs/archive/open-archive.js';
import { fromPem, toPem } from '../../../../src/x509/pem.js';
import { applyYaml, fleet, policyLike } from '../../../support/fleet.js';
import { type IssueOptions, operator, type Row, runIssueJob, submitIssueJob } from '../../../support/issue-job.js';
import { makeCsr, newKey } from '../../../support/make-csr.js';
import { createTestClock, daySeconds } from '../../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../../support/test-gateway.js';
import { createIdentity, createOpenSsl, type OpenSsl } from '../../cms/openssl.js';

const password = 'correct horse battery';
const clock = createTestClock();
let test: TestGateway;
let openssl: OpenSsl;

beforeAll(async () => {
  openssl = createOpenSsl();
  createIdentity(openssl, 'owner', 'rsa');
  createIdentity(openssl, 'ec-owner', 'P-256');
  clock.advance(60);
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('batch', 'methods: [batch]'));
});
afterAll(async () => {
  openssl.remove();
  await test.close();
});

function pemOf(name: string): string {
  return Buffer.from(openssl.read(`${name}.pem`)).toString();
}

function byPassword(): IssueOptions {
  return { policy: 'batch', keys: 'gateway', archive: { password } };
}

function byRecipient(name: string): IssueOptions {
  return { policy: 'batch', keys: 'gateway', archive: { recipient: pemOf(name) } };
}

let devices = 0;
function newRows(count: number): Row[] {
  return Array.from({ length: count }, () => ({ subject: `CN=pump-${++devices}` }));
}

async function finished(options: IssueOptions, rows: readonly Row[] = newRows(2)): Promise<string> {
  const { id, outcomes } = await runIssueJob(test.gateway.core, options, rows);
  expect(outcomes.every(({ code }) => code === undefined)).toBe(true);
  return id;
}

async function open(id: string): Promise<Archive> {
  const { core } = test.gateway;
  const job = await findArchivedJob(id, core);
  requireArchive(job);
  return await openArchive(job, operator, core);
}

async function readAll({ body }: Archive): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}

type Files = Readonly<Record<string, string>>;

function unzip(archive: Uint8Array): Files {
  const files = Object.entries(unzipSync(archive));
  return Object.fromEntries(files.map(([name, content]) => [name, Buffer.from(content).toString()]));
}

function decrypt(archive: Uint8Array, name: string): Buffer {
  openssl.write('archive.p7m', archive);
  const files = ['-in', 'archive.p7m', '-recip', `${name}.pem`, '-inkey', `${name}.key`];
  return openssl.run('cms', '-decrypt', '-binary', '-inform', 'DER', ...files);
}

/** The key file as openssl decrypts it. */
function openKey(pem: string): string {
  openssl.write('sealed.pem', Buffer.from(pem));
  return openssl.run('pkey', '-in', 'sealed.pem', '-passin', `pass:${password}`).toString();
}

function eventsOf(id: string) {
  return test.gateway.core.store.audit.list({ subject: id, limit: 100 });
}

async function destructionsOf(id: string): Promise<unknown[]> {
  const events = (await eventsOf(id)).filter(({ action }) => action === 'job.keys-destroyed');
  return events.map(({ content }) => JSON.parse(content).reason);
}

describe('the archive of a job whose keys the gateway has made', () => {
  it('is a ZIP file under a password whose key files openssl opens; each key fits its certificate', async () => {
    const id = await finished(byPassword());
    const archive = await open(id);
    expect(archive).toMatchObject({ type: 'application/zip', fileName: `job-${id}.zip` });
    const files = unzip(await readAll(archive));
    const [one, two] = [`pump-${devices - 1}`, `pump-${devices}`];
    const expected = [
      'manifest.csv',
      'issuers/devices-1/chain.pem',
      ...[`0000001-${one}`, `0000002-${two}`].flatMap((folder) => [`${folder}/certificate.pem`, `${folder}/key.pem`]),
    ];
    expect(Object.keys(files)).toEqual(expected);
    for (const folder of [`0000001-${one}`, `0000002-${two}`]) {
      const certificate = new X509Certificate(files[`${folder}/certificate.pem`] ?? '');
      const sealed = files[`${folder}/key.pem`] ?? '';
      expect(sealed).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      expect(certificate.checkPrivateKey(createPrivateKey(openKey(sealed)))).toBe(true);
    }
    const certificate = new X509Certificate(files[`0000001-${one}/certificate.pem`] ?? '');
    const [issuer = new Uint8Array()] = fromPem(files['issuers/devices-1/chain.pem'] ?? '');
    expect(certificate.verify(new X509Certificate(issuer).publicKey)).toBe(true);
    const notAfter = new Date(certificate.validTo).toISOString().replace('.000', '');
    expect(files['manifest.csv']?.split('\r\n').slice(0, 2)).toEqual([
      'row,device,serialNumber,subject,notAfter,files',
      `1,${one},${certificate.serialNumber.toLowerCase()},CN=${one},${notAfter},0000001-${one}/certificate.pem 0000001-${one}/key.pem issuers/devices-1/chain.pem`,
    ]);
  });

  it.each(['owner', 'ec-owner'])('is EnvelopedData that openssl opens with the key of %s', async (name) => {
    const id = await finished(byRecipient(name));
    const archive = await open(id);
    expect(archive).toMatchObject({ type: 'application/pkcs7-mime', fileName: `job-${id}.zip.p7m` });
    const files = unzip(decrypt(await readAll(archive), name));
    const folder = `0000002-pump-${devices}`;
    const certificate = new X509Certificate(files[`${folder}/certificate.pem`] ?? '');
    expect(certificate.checkPrivateKey(createPrivateKey(files[`${folder}/key.pem`] ?? ''))).toBe(true);
  });

  it('has every row of a long job, once and in order', async () => {
    const id = await finished(byRecipient('ec-owner'), newRows(230));
    const files = unzip(decrypt(await readAll(await open(id)), 'ec-owner'));
    const keys = Object.keys(files).filter((name) => name.endsWith('/key.pem'));
    expect(keys.map((name) => Number(name.slice(0, 7)))).toEqual(Array.from({ length: 230 }, (_, i) => i + 1));
    expect(files['manifest.csv']?.split('\r\n')).toHaveLength(232);
    for (const name of keys) {
      const certificate = new X509Certificate(files[name.replace('key.pem', 'certificate.pem')] ?? '');
      expect(certificate.checkPrivateKey(createPrivateKey(files[name] ?? ''))).toBe(true);
    }
  });

  it('has no key of a device that was compromised before anybody has come for it', async () => {
    const { core } = test.gateway;
    const rows = newRows(2);
    const [lost, kept] = [`pump-${devices - 1}`, `pump-${devices}`];
    const id = await finished(byPassword(), rows);
    const device = await core.store.devices.findByName({ division: 'plant', name: lost });
    if (device === undefined) throw new Error('no device');
    expect(await compromiseDevice({ id: device.id, actor: operator }, core)).toMatchObject({ keyCount: 1 });
    const [event] = await core.store.audit.list({ device: device.id, action: 'device.compromised', limit: 1 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({ keys: [{ job: id, row: 1 }] });
    const [row] = await core.store.jobArchives.archiveRows({ jobId: id, after: 0, limit: 1 });
    expect(row?.sealedKey).toHaveLength(0);
    const files = unzip(await readAll(await open(id)));
    expect(Object.keys(files).slice(2)).toEqual([
      `0000001-${lost}/certificate.pem`,
      `0000002-${kept}/certificate.pem`,
      `0000002-${kept}/key.pem`,
    ]);
    expect(files['manifest.csv']?.split('\r\n')[1]).not.toContain('key.pem');
  });

  it('has folders that no device name leads out of', async () => {
    const { core } = test.gateway;
    const job = await submitIssueJob(core, byRecipient('ec-owner'), 2);
    for (const [row, device] of ['../../etc/passwd', 'pump "9", 泵..'].entries()) {
      await core.store.commit({
        statements: [
          {
            sql: 'update job_row set result = ?, certificate = ? where job_id = ? and row = ?',
            parameters: [
              JSON.stringify({ issuedTo: device }),
              Uint8Array.from(certificateOf('ec-owner')),
              job.id,
              row + 1,
            ],
          },
        ],
        audit: [],
      });
    }
    await job.end();
    const withoutKeys = { ...(await findArchivedJob(job.id, core)), archive: null };
    const names = Object.keys(unzip(await readAll(await openArchive(withoutKeys, operator, core))));
    expect(names.slice(-2)).toEqual(['0000001-.._.._etc_passwd/certificate.pem', '0000002-pump_9_/certificate.pem']);
  });

  it('is there once the job has ended, also where it was cancelled', async () => {
    const { core } = test.gateway;
    const job = await submitIssueJob(core, byRecipient('owner'), 2);
    await job.perform(1, { subject: 'CN=early' });
    await expect(open(job.id)).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'the job is running; its archive is there once it has ended',
    });
    await job.end('cancelled');
    const files = unzip(decrypt(await readAll(await open(job.id)), 'owner'));
    expect(Object.keys(files).filter((name) => name.endsWith('key.pem'))).toEqual(['0000001-early/key.pem']);
  });

  it('of rows that have brought their keys has certificates alone, as often as it is wanted', async () => {
    const csr = toPem('CERTIFICATE REQUEST', makeCsr({ subject: 'CN=own-key', key: newKey() }));
    const id = await finished({ policy: 'batch', keys: 'csr' }, [{ csr }]);
    for (const _ of [1, 2]) {
      const archive = await open(id);
      const names = Object.keys(unzip(await readAll(archive)));
      expect(names).toEqual(['manifest.csv', 'issuers/devices-1/chain.pem', '0000001-own-key/certificate.pem']);
      await archive.delivered();
    }
    expect(await eventsOf(id)).toEqual([]);
  });

  it('is not found for what is no such job', async () => {
    await expect(open('nothing')).rejects.toMatchObject({ code: 'not-found' });
  });
});

function certificateOf(name: string): Uint8Array {
  const [der = new Uint8Array()] = fromPem(pemOf(name));
  return der;
}

/** A server that hands archives over as the management API does. `ends`: of each download, whether the client has got it. */
async function withServer(
  work: (url: (id: string) => string, ends: Promise<boolean>[]) => Promise<void>,
): Promise<void> {
  const ends: Promise<boolean>[] = [];
  const hand = async (id: string, response: ServerResponse) => {
    const { body, delivered } = await open(id);
    const isDelivered = await handOver(body, response).catch(() => false);
    if (isDelivered) await delivered();
    return isDelivered;
  };
  const server = createServer(({ url = '' }, response) => ends.push(hand(url.slice(1), response)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    await work((id) => `http://127.0.0.1:${port}/${id}`, ends);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function download(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  return Buffer.from(await answer.arrayBuffer());
}

describe('the keys of a job', () => {
  it('are destroyed once they were handed over; the archive is gone then, the certificates are not', async () => {
    const id = await finished(byPassword());
    const archive = await open(id);
    await readAll(archive);
    expect(await destructionsOf(id)).toEqual([]);
    await archive.delivered();
    await expect(open(id)).rejects.toMatchObject({
      status: 410,
      message: expect.stringMatching(
        /^the keys of the job were destroyed on 20.*; its certificates are in the inventory/,
      ),
    });
    const job = await findArchivedJob(id, test.gateway.core);
    expect(job).toMatchObject({ sealedJobKey: null, keysDestroyedAt: clock.now().getTime() });
    const events = (await eventsOf(id)).map(({ content }) => JSON.parse(content));
    expect(events).toMatchObject([
      { action: 'job.keys-destroyed', division: 'plant', reason: 'downloaded', actor: 'user alice' },
      { action: 'job.archive-opened', division: 'plant', actor: 'user alice', remoteAddress: '192.0.2.7' },
    ]);
    const device = await test.gateway.core.store.devices.findByName({ division: 'plant', name: `pump-${devices}` });
    expect(await test.gateway.core.store.certificates.list({ deviceId: device?.id ?? '', limit: 10 })).toHaveLength(1);
  });

  it('outlast a download that broke off, although the system had taken all of it', async () => {
    const id = await finished(byRecipient('ec-owner'), newRows(120));
    await withServer(async (url, ends) => {
      await new Promise<void>((resolve) => {
        get(url(id), (answer) => {
          answer.once('readable', () => {
            answer.destroy();
            resolve();
          });
        });
      });
      expect(await ends.shift()).toBe(false);
      expect(await destructionsOf(id)).toEqual([]);
      const files = unzip(decrypt(await download(url(id)), 'ec-owner'));
      expect(Object.keys(files)).toHaveLength(242);
      expect(await ends.shift()).toBe(true);
      expect(await destructionsOf(id)).toEqual(['downloaded']);
    });
  });

  it('are destroyed once where several downloads run, and each of these is whole', async () => {
    const id = await finished(byPassword(), newRows(150));
    const archives = await Promise.all(Array.from({ length: 10 }, () => open(id)));
    const [first, ...others] = archives;
    if (first === undefined) throw new Error('no archive');
    await readAll(first);
    await Promise.all(Array.from({ length: 40 }, () => first.delivered()));
    // The keys are gone by now, but not for those that began before.
    await endOldKeys(test.gateway.core);
    for (const other of others) {
      expect(Object.keys(unzip(await readAll(other)))).toHaveLength(302);
      await other.delivered();
    }
    expect(await destructionsOf(id)).toEqual(['downloaded']);
  });

  it('can be destroyed unread', async () => {
    const id = await finished(byPassword());
    const { core } = test.gateway;
    const job = await findArchivedJob(id, core);
    expect(await destroyKeys(job, 'requested', operator, core)).toBe(true);
    expect(await destroyKeys(job, 'requested', operator, core)).toBe(false);
    expect(await destructionsOf(id)).toEqual(['requested']);
    await expect(open(id)).rejects.toMatchObject({ status: 410 });
  });

  it('are destroyed seven days after the end of the job, and what they have sealed is removed', async () => {
    const { core } = test.gateway;
    const id = await finished(byPassword());
    const running = await submitIssueJob(core, byPassword(), 1);
    clock.advance(7 * daySeconds - 1);
    await endOldKeys(core);
    expect(await destructionsOf(id)).toEqual([]);
    clock.advance(1);
    await endOldKeys(core);
    expect(await destructionsOf(id)).toEqual(['expired']);
    expect(await destructionsOf(running.id)).toEqual([]);
    const sealedKeys = async () =>
      (await core.store.jobArchives.archiveRows({ jobId: id, after: 0, limit: 10 })).map(({ sealedKey }) => sealedKey);
    expect(await sealedKeys()).not.toContain(null);
    clock.advance(3600);
    await endOldKeys(core);
    expect(await sealedKeys()).toEqual([null, null]);
    await running.end();
  });

  it('outlive a restart before they were handed over', async () => {
    const id = await finished(byRecipient('owner'));
    const before = await open(id);
    before.body.destroy();
    test = await test.restart();
    const archive = await open(id);
    expect(Object.keys(unzip(decrypt(await readAll(archive), 'owner')))).toHaveLength(6);
  });

  it('never stand in the files of the database in the clear, and their seal is gone from them at the end', async () => {
    const id = await finished(byPassword());
    const { sealedJobKey } = await findArchivedJob(id, test.gateway.core);
    const archive = await open(id);
    const files = unzip(await readAll(archive));
    const plain: Uint8Array[] = Object.entries(files)
      .filter(([name]) => name.endsWith('/key.pem'))
      .map(([, pem]) => scalarOf(openKey(pem)));
    expect(plain).toHaveLength(2);
    const stored = () => readdirSync(test.directory).map((name) => readFileSync(join(test.directory, name)));
    const has = (octets: Uint8Array) => stored().some((content) => content.includes(Buffer.from(octets)));
    expect([...plain, Buffer.from(password)].some(has)).toBe(false);
    expect(has(sealedJobKey ?? Buffer.alloc(1))).toBe(true);
    await archive.delivered();
    // SQLite empties its log when it closes.
    test = await test.restart();
    expect([...plain, Buffer.from(password)].some(has)).toBe(false);
    expect(has(sealedJobKey ?? Buffer.alloc(1))).toBe(false);
  });
});

/** The secret octets of an EC key. */
function scalarOf(pem: string): Buffer {
  const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' });
  return Buffer.from(d, 'base64url');
}
