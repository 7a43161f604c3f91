import { describe, expect, it } from '@jest/globals';
import { type ConfiguredStore, problemsOf, smallFleet, withConfiguredStore } from './configured-store.js';

const issuing =
  '{ name: devices, parent: root, subject: "CN=Devices", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }';
const toGateways = `certificateAuthorities: [${issuing}]`;

function addGeneration({ store }: ConfiguredStore, number: number, keyId: string, state: 'current' | 'previous') {
  const times = { notBefore: 0, notAfter: 1, createdAt: 0 };
  const own = { id: `devices-${number}`, ca: 'devices', number, state, keyId, parent: null };
  const insert = store.caGenerations.insert({ ...own, ...times, certificate: Uint8Array.of(0x30, 0) });
  return store.commit({ statements: [insert], audit: [] });
}

describe('A CA whose key is not in the gateway', () => {
  it('cannot be set to issue CA certificates', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await addGeneration(configured, 1, '', 'current');
      expect(await problemsOf(() => configured.plan(toGateways))).toEqual([
        expect.stringContaining(
          'certificateAuthorities[0].issueIntermediates: certificate authority "devices" is offline, and has to be online',
        ),
      ]);
    });
  });

  it('cannot become the issuing CA of a policy', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet.replace('issuingCa: devices', 'issuingCa: root'));
      await addGeneration(configured, 1, '', 'current');
      expect(await problemsOf(() => configured.plan(smallFleet))).toEqual([
        expect.stringContaining('policies[0].issuingCa: certificate authority "devices" is offline'),
      ]);
    });
  });

  it('may be configured as it was', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await addGeneration(configured, 1, '', 'current');
      expect(await problemsOf(() => configured.plan(smallFleet))).toEqual([]);
    });
  });

  it('may have it elsewhere for an earlier generation', async () => {
    await withConfiguredStore(async (configured) => {
      await configured.apply(smallFleet);
      await addGeneration(configured, 1, '', 'previous');
      await addGeneration(configured, 2, 'k', 'current');
      expect(await problemsOf(() => configured.plan(toGateways))).toEqual([]);
    });
  });
});
