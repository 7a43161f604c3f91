import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { GatewayError } from '../../../src/errors.js';
import type { CaKeys } from '../../../src/keys/ca-keys.js';
import { generatedKeyTypes } from '../../../src/model/key-constraints.js';
import type { Store } from '../../../src/store/store.js';
import { importPublicKey } from '../../../src/x509/public-key.js';
import { signatureAlgorithmFor, verifySignature } from '../../../src/x509/signature-algorithms.js';
import { makeKey, openTestCaKeys, type TestCaKeys } from '../../support/ca-keys.js';
import { requireTool } from '../../support/interop.js';
import { describeWithHsm, makeSoftHsm, pin, type SoftHsm } from '../../support/soft-hsm.js';
import { withStore } from '../store/temporary-store.js';

const data = Buffer.from('to be signed');

let hsm: SoftHsm;

function configOf(changes: object = {}) {
  return { kind: 'pkcs11', module: hsm.module, tokenLabel: 'gatehouse', pinFile: hsm.pinFile, ...changes };
}

/** Runs `work` with the key store `hsm` on the token. */
async function withHsm(
  work: (world: TestCaKeys & { readonly store: Store; readonly again: () => TestCaKeys }) => Promise<void>,
  changes: object = {},
): Promise<void> {
  await withStore(async (store) => {
    const opened: CaKeys[] = [];
    const open = () => {
      const keys = openTestCaKeys(store, { hsm: configOf(changes) });
      opened.push(keys.caKeys);
      return keys;
    };
    try {
      await work({ store, ...open(), again: open });
    } finally {
      await Promise.all(opened.map((each) => each.close()));
    }
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

/** The processes of PKCS#11 libraries that this process has started. */
function driverProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${id}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('pkcs11/process');
      } catch {
        return false;
      }
    });
}

describeWithHsm('key store on a PKCS#11 token', () => {
  beforeAll(() => {
    hsm = makeSoftHsm();
  });
  afterAll(() => hsm.remove());

  // A key of 4096 bits takes it seconds, and is made as one of 3072.
  it.each(generatedKeyTypes.filter((type) => type !== 'rsa-4096'))(
    'makes %s keys that sign, also after a restart, and are not in the database',
    async (type) => {
      await withHsm(async ({ store, caKeys, again }) => {
        const record = await makeKey(store, caKeys, 'hsm', type);
        expect(record).toMatchObject({ store: 'hsm', algorithm: type });
        expect(JSON.parse(Buffer.from(record.sealed).toString())).toEqual({ reference: record.id.replaceAll('-', '') });
        const key = importPublicKey(record.publicKey);
        for (const keys of [caKeys, again().caKeys]) {
          const signer = keys.lazySigner({ keyId: record.id, publicKey: record.publicKey });
          for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
            for (const padding of ['pkcs1', 'pss'] as const) {
              const algorithm = signatureAlgorithmFor(signer.algorithm, hash, padding);
              const signature = await signer.sign(data, hash, padding);
              expect(verifySignature(algorithm, key, data, signature)).toBe(true);
            }
          }
        }
      });
    },
  );

  it('makes keys that never leave the token and do nothing but sign', async () => {
    if (!requireTool('pkcs11-tool', 'attributes of keys')) return;
    await withHsm(async ({ store, caKeys }) => {
      const { id } = await makeKey(store, caKeys, 'hsm', 'ec-p256');
      const login = ['--module', hsm.module, '--token-label', 'gatehouse', '--login', '--pin', pin];
      const listed = hsm.run('pkcs11-tool', ...login, '--list-objects', '--type', 'privkey');
      const [shown = ''] = listed.split('Private Key Object').filter((text) => text.includes(id.replaceAll('-', '')));
      expect(shown).toMatch(/label: +gatehouse ca:test-ec-p256\n/);
      expect(shown).toMatch(/Usage: +sign\n/);
      expect(shown).toMatch(/Access: +sensitive, always sensitive, never extractable, local\n/);
    });
  });

  it('signs for several processes and many callers at once', async () => {
    await withHsm(async ({ store, caKeys, again }) => {
      const { id, publicKey } = await makeKey(store, caKeys, 'hsm');
      const signers = [caKeys, again().caKeys].map((keys) => keys.lazySigner({ keyId: id, publicKey }));
      const signatures = await Promise.all(
        signers.flatMap((signer) => Array.from({ length: 40 }, () => signer.sign(data, 'sha256'))),
      );
      const key = importPublicKey(publicKey);
      const algorithm = signatureAlgorithmFor('ec', 'sha256');
      expect(signatures.filter((signature) => verifySignature(algorithm, key, data, signature))).toHaveLength(80);
    });
  });

  it('goes on when its process is killed in the middle of signatures', async () => {
    await withHsm(async ({ store, caKeys, reports }) => {
      const { id, publicKey } = await makeKey(store, caKeys, 'hsm');
      const signer = caKeys.lazySigner({ keyId: id, publicKey });
      const [driver = 0, ...others] = driverProcesses();
      expect(others).toEqual([]);
      const signing = Array.from({ length: 20 }, () => signer.sign(data, 'sha256'));
      process.kill(driver, 'SIGKILL');
      expect(await Promise.all(signing)).toHaveLength(20);
      expect(driverProcesses()).not.toContain(driver);
      expect(reports).toEqual([]);
    });
  });

  it('refuses a signature that does not verify with the key on record', async () => {
    await withHsm(async ({ store, caKeys }) => {
      const record = await makeKey(store, caKeys, 'hsm');
      const other = await makeKey(store, caKeys, 'hsm');
      const swapped = await caKeys.store('hsm').signer({ ...record, publicKey: other.publicKey });
      expect(await refusalOf(swapped.sign(data, 'sha256'))).toEqual({
        code: 'unavailable',
        reason: expect.stringContaining('does not verify'),
      });
    });
  });

  it('tries a wrong PIN once: not again by itself, not after a restart, not when it would be right now', async () => {
    const pinFile = join(hsm.directory, 'other-pin');
    writeFileSync(pinFile, 'wrong-pin', { mode: 0o600 });
    await withHsm(
      async ({ caKeys, again, reports }) => {
        const first = await caKeys.store('hsm').state();
        expect(first).toMatchObject({ reachable: false, detail: expect.stringContaining('CKR_PIN_INCORRECT') });
        expect(reports).toEqual([expect.stringContaining('lost hsm: the token refuses the PIN')]);
        const login = ['--module', hsm.module, '--token-label', 'gatehouse', '--login'];
        hsm.run('pkcs11-tool', ...login, '--pin', pin, '--change-pin', '--new-pin', 'wrong-pin');
        try {
          expect((await again().caKeys.store('hsm').state()).detail).toContain('not tried again');
        } finally {
          hsm.run('pkcs11-tool', ...login, '--pin', 'wrong-pin', '--change-pin', '--new-pin', pin);
        }
        writeFileSync(pinFile, pin);
        expect(await again().caKeys.store('hsm').state()).toMatchObject({ reachable: true });
      },
      { pinFile },
    );
  });

  it('takes the PIN from an environment variable', async () => {
    process.env.TEST_HSM_PIN = pin;
    try {
      await withHsm(
        async ({ caKeys }) => {
          expect(await caKeys.store('hsm').state()).toMatchObject({ reachable: true });
        },
        { pinFile: undefined, pinVariable: 'TEST_HSM_PIN' },
      );
    } finally {
      delete process.env.TEST_HSM_PIN;
    }
  });

  it('lists keys that were made and are not on record, and keys on record that are gone', async () => {
    await withHsm(async ({ store, caKeys, again }) => {
      const made = await caKeys.store('hsm').create('ec-p256', 'ca:broken-off-1');
      const orphan = `${made.signer.keyId.replaceAll('-', '')} (gatehouse ca:broken-off-1)`;
      const kept = await makeKey(store, caKeys, 'hsm', 'ec-p384');
      expect((await again().caKeys.store('hsm').state()).orphans).toContain(orphan);
      await made.discard();
      await caKeys.store('hsm').removal(kept).after();
      const state = await caKeys.store('hsm').state();
      expect(state.orphans).not.toContain(orphan);
      expect(state.missing).toEqual([kept.purpose]);
      const signer = again().caKeys.lazySigner({ keyId: kept.id, publicKey: kept.publicKey });
      expect(await refusalOf(signer.sign(data, 'sha256'))).toMatchObject({ code: 'internal' });
    });
  });

  it('takes over a key that is there, by its CKA_ID, and leaves it where it is', async () => {
    if (!requireTool('pkcs11-tool', 'a key that was made elsewhere')) return;
    const login = ['--module', hsm.module, '--token-label', 'gatehouse', '--login', '--pin', pin];
    hsm.run(
      'pkcs11-tool',
      ...login,
      '--keypairgen',
      '--key-type',
      'EC:secp384r1',
      '--id',
      'a1b2',
      '--label',
      'ceremony',
    );
    await withHsm(async ({ caKeys }) => {
      const keyStore = caKeys.store('hsm');
      const adopted = await keyStore.adopt({ reference: 'a1b2' }, 'ca:ceremony-1');
      const signature = await adopted.signer.sign(data, 'sha384');
      const key = importPublicKey(adopted.signer.publicKey);
      expect(verifySignature(signatureAlgorithmFor('ec', 'sha384'), key, data, signature)).toBe(true);
      await adopted.discard();
      await expect(adopted.signer.sign(data, 'sha384')).resolves.toBeDefined();
      expect(await refusalOf(keyStore.adopt({ reference: 'ffff' }, 'ca:x-1'))).toMatchObject({ code: 'not-found' });
      expect(await refusalOf(keyStore.adopt({ pkcs8: data }, 'ca:x-1'))).toMatchObject({
        code: 'unsupported-operation',
      });
    });
  });

  it.each([
    [
      'no token of the label',
      { tokenLabel: 'other' },
      'there is no token with the label "other"; it shows "gatehouse"',
    ],
    ['no library', { module: '/nonexistent.so' }, 'the PKCS#11 library /nonexistent.so does not load'],
    ['no PIN', { pinFile: '/nonexistent' }, 'the PIN of the key store hsm cannot be read'],
  ])('says what to do where there is %s', async (_name, changes, reason) => {
    await withHsm(async ({ caKeys, reports }) => {
      const error = await refusalOf(caKeys.store('hsm').create('ec-p256', 'ca:x-1'));
      expect(error).toMatchObject({ code: 'unavailable', reason: expect.stringContaining(reason) });
      expect(reports).toEqual([
        expect.stringContaining(`lost hsm: ${reason}`),
        expect.stringContaining('refused hsm ca:x-1'),
      ]);
    }, changes);
  });

  it('is lost with the machine that has the token, and found again with it', async () => {
    if (!requireTool('p11-kit', 'a token that is lost')) return;
    const socket = join(hsm.directory, 'p11.socket');
    process.env.P11_KIT_SERVER_ADDRESS = `unix:path=${socket}`;
    let server = await serveToken(socket);
    try {
      const clock = { at: Date.now(), now: () => new Date(clock.at) };
      await withStore(async (store) => {
        const { caKeys, reports } = openTestCaKeys(store, { hsm: configOf({ module: clientModule() }) }, clock);
        const { id, publicKey } = await makeKey(store, caKeys, 'hsm');
        const signer = caKeys.lazySigner({ keyId: id, publicKey });
        await signer.sign(data, 'sha256');
        await stop(server);
        expect(await refusalOf(signer.sign(data, 'sha256'))).toMatchObject({ code: 'unavailable' });
        expect(reports).toEqual([expect.stringContaining('lost hsm')]);
        server = await serveToken(socket);
        expect(await refusalOf(signer.sign(data, 'sha256'))).toMatchObject({ code: 'unavailable' });
        clock.at += 1_500;
        await signer.sign(data, 'sha256');
        expect(reports).toEqual([expect.stringContaining('lost hsm'), 'recovered hsm']);
        // What was restarted while nobody signed is not noticed by anybody.
        await stop(server);
        server = await serveToken(socket);
        await signer.sign(data, 'sha256');
        expect(reports).toHaveLength(2);
        await caKeys.close();
      });
    } finally {
      delete process.env.P11_KIT_SERVER_ADDRESS;
      await stop(server);
    }
  });
});

function clientModule(): string {
  const places = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/pkcs11/p11-kit-client.so`);
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error("p11-kit's client module is not installed");
  return found;
}

/** A server for the token, which the client module of p11-kit uses over a socket. */
async function serveToken(socket: string): Promise<ChildProcess> {
  const words = ['server', '--foreground', '--name', socket, '--provider', hsm.module, 'pkcs11:token=gatehouse'];
  const server = spawn('p11-kit', words, { stdio: ['ignore', 'pipe', 'inherit'], env: process.env, detached: true });
  await new Promise((resolve) => server.stdout?.once('data', resolve));
  return server;
}

/** With the processes that it has for its connections. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  process.kill(-(server.pid ?? 0), 'SIGKILL');
  await ended;
}
