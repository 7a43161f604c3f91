import { describe, expect, it } from '@jest/globals';
import { loadCatalog } from '../../../src/catalog/load.js';
import { passcodeCommand } from '../../../src/cli/passcode.js';
import { runCommandOn } from '../../support/run-command.js';
import { type ConfiguredStore, clock, smallFleet, withConfiguredStore } from '../catalog/configured-store.js';

/** Runs `gatehouse passcode …` and returns what it prints. */
async function run(configured: ConfiguredStore, words: string, input = ''): Promise<string> {
  const catalog = await loadCatalog(configured.store);
  const core = { ...configured, clock, catalog: () => catalog };
  return await runCommandOn<typeof core>((act) => passcodeCommand(act, async () => input), core, words.split(' '));
}

describe('gatehouse passcode', () => {
  it('creates, lists and revokes', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const created = await run(
        configured,
        'create --authentication-policy pumps --name p17 --uses 1 --expires 7d --device pump-17 --username eve',
      );
      expect(created).toMatch(/^p17 [0-9a-z-]{31}$/);
      expect(await run(configured, 'list --authentication-policy pumps')).toBe(
        [
          'installer  valid  used 0  username bob',
          'p17  valid  used 0 of 1  username eve  until 2026-11-08T00:00:00.000Z  for device pump-17',
        ].join('\n'),
      );
      expect(await run(configured, 'revoke p17 --authentication-policy pumps')).toBe('revoked passcode p17');
      expect(await run(configured, 'list --authentication-policy pumps')).toContain('p17  revoked');
      expect(await run(configured, 'list --authentication-policy pumps --state revoked')).toMatch(/^p17 {2}revoked.*$/);
      expect(await run(configured, 'list --authentication-policy pumps --search INSTALL')).toMatch(/^installer .*$/);
      expect(await run(configured, 'list --authentication-policy pumps --search x')).toBe('no passcodes');
    });
  });

  it('prints JSON for programs', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const policy = '--authentication-policy pumps --json';
      const created = JSON.parse(await run(configured, `create ${policy} --name p17 --uses 1 --device pump-17`));
      expect(created).toEqual({ name: 'p17', passcode: expect.stringMatching(/^[0-9a-z-]{31}$/) });
      const own = await run(configured, `create ${policy} --name own --secret-stdin`, 'my own passcode');
      expect(JSON.parse(own)).toEqual({ name: 'own', passcode: null });
      const listed = (await run(configured, `list ${policy}`)).split('\n').map((line) => JSON.parse(line));
      expect(listed.find(({ name }) => name === 'p17')).toEqual({
        name: 'p17',
        state: 'valid',
        uses: 0,
        usageLimit: 1,
        username: null,
        notAfter: null,
        registeredValues: { device: 'pump-17' },
      });
      expect(JSON.parse(await run(configured, `revoke p17 ${policy}`))).toEqual({ name: 'p17', state: 'revoked' });
    });
  });

  it('makes up names, and as many as asked', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const lines = (await run(configured, 'create --authentication-policy pumps --count 3')).split('\n');
      expect(lines).toHaveLength(3);
      expect(lines[2]).toMatch(/^passcode-[0-9a-f]{8}-3 /);
    });
  });

  it('takes a passcode from standard input and does not print it', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      const words = 'create --authentication-policy pumps --name own --secret-stdin';
      expect(await run(configured, words, 'my own passcode\n')).toBe('own (as given)');
      const lookup = configured.passcodeLookup('pumps', 'my own passcode');
      const found = { authenticationPolicy: 'pumps', kind: 'passcode', lookup };
      expect(await configured.store.credentials.findByLookup(found)).toHaveLength(1);
      await expect(run(configured, words, 'short\n')).rejects.toThrow('one line of 8 to 255 characters');
      await expect(run(configured, words, 'two lines\nof it\n')).rejects.toThrow('one line of 8 to 255 characters');
      await expect(run(configured, `${words} --count 2`, 'long enough')).rejects.toThrow('leave --count out');
    });
  });

  it.each([
    [
      'an unknown authentication policy',
      'create --authentication-policy pump',
      'there is no authentication policy "pump"; there are: pumps',
    ],
    ['none at all', 'create', "required option '--authentication-policy <name>' not specified"],
    [
      'a count of nothing',
      'create --authentication-policy pumps --uses 0',
      'a whole number from 1 to 10000 is expected',
    ],
    [
      'a duration without unit',
      'create --authentication-policy pumps --expires 7',
      'a duration is a whole number and a unit',
    ],
    ['a name with a blank', 'create --authentication-policy pumps --name a/b', 'a name is 1 to 64 of the characters'],
    ['a passcode in the argument list', 'create --authentication-policy pumps --secret x', "unknown option '--secret'"],
  ])('refuses %s', async (_name, words, message) => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await expect(run(configured, words)).rejects.toThrow(message);
    });
  });
});
