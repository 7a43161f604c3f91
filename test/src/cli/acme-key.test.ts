import { describe, expect, it } from '@jest/globals';
import { loadCatalog } from '../../../src/catalog/load.js';
import { acmeKeyCommand } from '../../../src/cli/acme-key.js';
import { runCommandOn } from '../../support/run-command.js';
import { type ConfiguredStore, clock, smallFleet, withConfiguredStore } from '../catalog/configured-store.js';

/** Runs `gatehouse acme-key …` and returns what it prints. */
async function run(configured: ConfiguredStore, words: string): Promise<string> {
  const catalog = await loadCatalog(configured.store);
  return await runCommandOn(acmeKeyCommand, { ...configured, clock, catalog: () => catalog }, words.split(' '));
}

const policy = '--authentication-policy pumps';

describe('gatehouse acme-key', () => {
  it('creates, lists and revokes', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const created = await run(configured, `create ${policy} --name g17 --uses 1 --expires 7d --device gate-17`);
      const [name, keyId, hmacKey, ...rest] = created.split(' ');
      expect([name, rest]).toEqual(['g17', []]);
      expect(keyId).toMatch(/^[0-9a-f-]{36}$/);
      expect(hmacKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
      const listed = `used 0 of 1  key id ${keyId}  until 2026-11-08T00:00:00.000Z  for device gate-17`;
      expect(await run(configured, `list ${policy}`)).toBe(`g17  valid  ${listed}`);
      expect(await run(configured, `revoke g17 ${policy}`)).toBe('revoked ACME key g17');
      expect(await run(configured, `list ${policy}`)).toBe(`g17  revoked  ${listed}`);
    });
  });

  it('prints JSON for programs', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const created = JSON.parse(await run(configured, `create ${policy} --name g17 --json`));
      expect(created).toEqual({ name: 'g17', keyId: expect.any(String), hmacKey: expect.any(String) });
      const listed = JSON.parse(await run(configured, `list ${policy} --json`));
      expect(listed).toMatchObject({ name: 'g17', state: 'valid', keyId: created.keyId, usageLimit: null });
      expect(JSON.stringify(listed)).not.toContain(created.hmacKey);
    });
  });

  it('keeps the key sealed, where account bindings look for it, and never in the audit log', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const { store, sealing } = configured;
      const [, keyId = '', hmacKey = ''] = (await run(configured, `create ${policy} --name g17`)).split(' ');
      const [record] = await store.credentials.findByLookup({
        authenticationPolicy: 'pumps',
        kind: 'acme-account-key',
        lookup: keyId,
      });
      expect(record).toMatchObject({ name: 'g17', usageLimit: null, notAfter: null, source: 'command' });
      const secret = sealing.open(`credential:${record?.id}`, record?.sealed ?? new Uint8Array());
      expect(Buffer.from(secret).toString('base64url')).toBe(hmacKey);
      await run(configured, `revoke g17 ${policy}`);
      const events = await store.audit.list({ limit: 2 });
      expect(events.map(({ action }) => action)).toEqual(['credential.revoked', 'credential.created']);
      expect(events.map(({ content }) => content).join()).not.toContain(hmacKey);
    });
  });

  it('makes up names, and as many keys as asked', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const lines = (await run(configured, `create ${policy} --count 3`)).split('\n').map((line) => line.split(' '));
      expect(lines.map(([name]) => name?.replace(/[0-9a-f]{8}/, '…'))).toEqual([1, 2, 3].map((n) => `acme-key-…-${n}`));
      expect(new Set(lines.flatMap(([, keyId, key]) => [keyId, key])).size).toBe(6);
    });
  });

  it('refuses names that are taken, those of other kinds, and unknown authentication policies', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await expect(run(configured, `create ${policy} --name installer`)).rejects.toMatchObject({
        code: 'duplicate-request',
      });
      await expect(run(configured, `revoke installer ${policy}`)).rejects.toThrow('has no acme-account-key installer');
      await expect(run(configured, 'create --authentication-policy pump')).rejects.toThrow('there are: pumps');
      expect(await run(configured, `list ${policy}`)).toBe('no ACME keys');
    });
  });
});
