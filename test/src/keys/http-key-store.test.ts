import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import { generatedKeyTypes } from '../../../src/model/key-constraints.js';
import { keyStoresSchema } from '../../../src/model/key-store.js';
import type { Store } from '../../../src/store/store.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { documentFile } from '../../docs/documents.js';
import { makeKey, openTestCaKeys, type TestCaKeys } from '../../support/ca-keys.js';
import { freePorts } from '../../support/test-gateway.js';
import { withStore } from '../store/temporary-store.js';

const data = Buffer.from('to be signed');
const token = 'token-of-the-tests';

let folder: string;
let port: number;
let service: ChildProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-signing-'));
  [port = 0] = await freePorts(1);
  writeFileSync(join(folder, 'token'), `${token}\n`, { mode: 0o600 });
  const [, script = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(documentFile('keys.md'), 'utf8')) ?? [];
  writeFileSync(join(folder, 'signing-service.mjs'), script);
  service = await startService();
});
afterAll(() => {
  service.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The example of docs/keys.md. */
async function startService(): Promise<ChildProcess> {
  const words = [join(folder, 'signing-service.mjs'), join(folder, 'keys'), String(port)];
  const started = spawn(process.execPath, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, SIGNING_TOKEN: token },
  });
  await new Promise((resolve) => started.stdout?.once('data', resolve));
  return started;
}

async function withService(
  work: (world: TestCaKeys & { readonly store: Store; readonly clock: { at: number } }) => Promise<void>,
  changes: object = {},
): Promise<void> {
  const clock = { at: Date.now(), now: () => new Date(clock.at) };
  const config = { kind: 'http', url: `http://127.0.0.1:${port}`, tokenFile: join(folder, 'token'), ...changes };
  await withStore(async (store) => {
    await work({ store, clock, ...openTestCaKeys(store, { kms: config }, clock) });
  });
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; reason: string }> {
  return work.then(
    () => ({ code: 'done', reason: '' }),
    (error) => {
      if (!(error instanceof GatewayError)) throw error;
      return { code: error.code, reason: error.cause instanceof Error ? error.cause.message : error.message };
    },
  );
}

/** Runs `work` with the address of a service that answers what it is told to; of the requests it keeps paths and bodies. */
async function withAnswers(
  answer: (path: string) => { readonly status: number; readonly body: string } | undefined,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server: Server = createServer((request, response) => {
    request.resume();
    const said = answer(request.url ?? '');
    if (said !== undefined) response.writeHead(said.status).end(said.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    await work(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('key store behind a signing service', () => {
  // A key of 4096 bits takes it seconds, and is made as one of 3072.
  it.each(generatedKeyTypes.filter((type) => type !== 'rsa-4096'))('makes %s keys that sign', async (type) => {
    await withService(async ({ store, caKeys }) => {
      const record = await makeKey(store, caKeys, 'kms', type);
      expect(JSON.parse(Buffer.from(record.sealed).toString())).toEqual({ reference: record.id });
      const signer = caKeys.lazySigner({ keyId: record.id, publicKey: record.publicKey });
      const key = importPublicKey(record.publicKey);
      for (const padding of ['pkcs1', 'pss'] as const) {
        const signature = await signer.sign(data, 'sha384', padding);
        const algorithm = signatureAlgorithmFor(signer.algorithm, 'sha384', padding);
        expect(verifySignature(algorithm, key, data, signature)).toBe(true);
      }
    });
  });

  it('is lost when the service is stopped, and found again when it is back', async () => {
    await withService(async ({ store, caKeys, reports, clock }) => {
      const { id, publicKey } = await makeKey(store, caKeys, 'kms');
      const signer = caKeys.lazySigner({ keyId: id, publicKey });
      const ended = new Promise((resolve) => service.once('exit', resolve));
      service.kill('SIGKILL');
      await ended;
      expect(await refusalOf(signer.sign(data, 'sha256'))).toMatchObject({ code: 'unavailable' });
      service = await startService();
      expect(await refusalOf(signer.sign(data, 'sha256'))).toMatchObject({ code: 'unavailable' });
      clock.at += 1_500;
      await signer.sign(data, 'sha256');
      expect(reports).toEqual([expect.stringContaining('lost kms: no answer from'), 'recovered kms']);
    });
  });

  it('lists orphans, discards what was not committed, and takes over a key by its id', async () => {
    await withService(async ({ store, caKeys }) => {
      const kms = caKeys.store('kms');
      // What a service says goes to terminals.
      const made = await kms.create('ec-p256', 'ca:broken-off-1\u001b[2J');
      const orphan = `${made.signer.keyId} (ca:broken-off-1?[2J)`;
      expect((await kms.state()).orphans).toContain(orphan);
      const adopted = await kms.adopt({ reference: made.signer.keyId }, 'ca:adopted-1');
      await store.commit({ statements: [adopted.statement], audit: [] });
      expect((await kms.state()).orphans).not.toContain(orphan);
      await made.discard();
      expect((await kms.state()).missing).toEqual(['ca:adopted-1']);
      expect(await refusalOf(kms.adopt({ reference: 'ffff' }, 'ca:x-1'))).toMatchObject({ code: 'not-found' });
    });
  });

  it.each([
    [
      'a wrong token',
      { status: 401, body: '{"error":"who are you"}' },
      'unavailable',
      'refuses the bearer token (401: who are you)',
    ],
    ['no more keys', { status: 507, body: '{"error":"full\\nnow"}' }, 'unavailable', 'makes no key (507: full?now)'],
    ['no such keys', { status: 422, body: '{}' }, 'unsupported-algorithm', 'has no such keys'],
    [
      'another answer than agreed',
      { status: 200, body: '{"publicKey":"?"}' },
      'unavailable',
      'something else than agreed',
    ],
    ['an answer without end', { status: 200, body: ' '.repeat(300_000) }, 'unavailable', 'longer than 262144 bytes'],
    ['a key that is none', { status: 200, body: '{"publicKey":"MAA="}' }, 'unacceptable-key', 'unknown'],
  ])('refuses %s with the reason, reports it once, and keeps nothing', async (_name, answer, code, reason) => {
    const keys = { status: 200, body: '{"keys":[]}' };
    let creations = 0;
    const reply = (path: string) => {
      if (path === '/keys' && creations++ % 2 === 0) return keys;
      return answer;
    };
    await withAnswers(reply, async (url) => {
      await withService(
        async ({ store, caKeys, reports }) => {
          const create = () => refusalOf(caKeys.store('kms').create('ec-p256', 'ca:x-1'));
          expect(await create()).toEqual({ code, reason: expect.stringContaining(reason) });
          const asked = creations;
          expect((await create()).code).toBe(code);
          expect(creations).toBe(asked);
          expect(reports.filter((line) => line.startsWith('refused'))).toHaveLength(1);
          expect(await store.keys.findByStore({ store: 'kms' })).toEqual([]);
        },
        { url },
      );
    });
  });

  it('believes no signature that does not verify', async () => {
    await withService(async ({ store, caKeys }) => {
      const record = await makeKey(store, caKeys, 'kms');
      const lie = JSON.stringify({ signature: Buffer.alloc(70, 1).toString('base64') });
      await withAnswers(
        () => ({ status: 200, body: lie }),
        async (url) => {
          const config = { kind: 'http', url, tokenFile: join(folder, 'token') };
          const lying = await openTestCaKeys(store, { kms: config }).caKeys.store('kms').signer(record);
          expect(await refusalOf(lying.sign(data, 'sha256'))).toEqual({
            code: 'unavailable',
            reason: expect.stringContaining('does not verify'),
          });
        },
      );
    });
  });

  it.each([
    ['plain HTTP to elsewhere', { url: 'http://signing.example/v1', tokenFile: 'x' }, 'must be https'],
    [
      'credentials in the URL',
      { url: 'https://me:pw@signing.example', tokenFile: 'x' },
      'neither credentials nor a query',
    ],
    ['no token', { url: 'https://signing.example' }, 'either tokenFile or tokenVariable'],
  ])('is not configured with %s', (_name, config, message) => {
    const parsed = keyStoresSchema.safeParse({ kms: { kind: 'http', ...config } });
    expect(parsed.success ? '' : parsed.error.message).toContain(message);
  });
});
