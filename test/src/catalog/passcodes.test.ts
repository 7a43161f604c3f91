import { describe, expect, it } from '@jest/globals';
import { revokeCredential } from '../../../src/catalog/credentials.js';
import { listCredentials } from '../../../src/catalog/find-credentials.js';
import { createPasscodes } from '../../../src/catalog/passcodes.js';
import { testActor } from '../../support/operator.js';
import { clock, smallFleet, withConfiguredStore } from './configured-store.js';

const actor = testActor;
const authenticationPolicy = 'pumps';
const withoutCredentials = smallFleet.replace(/ {4}credentials:\n( {6}.*\n)+/, '');

describe('passcodes beside the configuration', () => {
  it('are random, returned once, and found by their keyed hash', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(withoutCredentials);
      const { store, passcodeLookup } = dependencies;
      const wanted = {
        authenticationPolicy,
        name: 'batch',
        count: 3,
        usageLimit: 1,
        expiresInSeconds: 60,
        device: 'd1',
      };
      const made = await createPasscodes(wanted, { ...dependencies, clock, actor });
      expect(made.map(({ name }) => name)).toEqual(['batch-1', 'batch-2', 'batch-3']);
      expect(new Set(made.map(({ passcode }) => passcode)).size).toBe(3);
      const lookup = passcodeLookup(authenticationPolicy, made[1]?.passcode ?? '');
      const [record] = await store.credentials.findByLookup({ authenticationPolicy, kind: 'passcode', lookup });
      expect(record).toMatchObject({
        name: 'batch-2',
        usageLimit: 1,
        notAfter: clock.now().getTime() + 60_000,
        registeredValues: '{"device":"d1"}',
        source: 'command',
      });
      const [event] = await store.audit.list({ limit: 1 });
      expect(event?.action).toBe('credential.created');
      expect(made.some(({ passcode }) => event?.content.includes(passcode))).toBe(false);
    });
  });

  it('make a new snapshot only when it would say something else', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(withoutCredentials);
      const make = (name: string) =>
        createPasscodes({ authenticationPolicy, name, count: 1 }, { ...dependencies, clock, actor });
      await make('a');
      expect(await dependencies.store.catalog.version()).toBe(2);
      await make('b');
      expect(await dependencies.store.catalog.version()).toBe(2);
    });
  });

  it('are refused under a name that is taken, all of them', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(withoutCredentials);
      const make = (name: string, count: number) =>
        createPasscodes({ authenticationPolicy, name, count }, { ...dependencies, clock, actor });
      await make('a-2', 1);
      await expect(make('a', 3)).rejects.toMatchObject({ code: 'duplicate-request' });
      expect(await listCredentials('passcode', authenticationPolicy, dependencies.store)).toHaveLength(1);
    });
  });

  it('can be revoked once', async () => {
    await withConfiguredStore(async ({ apply, ...dependencies }) => {
      await apply(smallFleet);
      const revoke = (name: string) =>
        revokeCredential({ authenticationPolicy, name }, { ...dependencies, clock, actor }, 'passcode');
      await revoke('installer');
      expect(await listCredentials('passcode', authenticationPolicy, dependencies.store)).toMatchObject([
        { name: 'installer', revokedAt: clock.now().getTime() },
      ]);
      await expect(revoke('installer')).rejects.toMatchObject({ code: 'invalid-state' });
      await expect(revoke('cmp')).rejects.toMatchObject({ code: 'not-found' });
    });
  });
});
