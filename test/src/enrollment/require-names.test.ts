/** Names that are asked about before there is a request (RFC 8555 7.4): by the requester, profile and rules of a request. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createIdentifier } from '../../../src/identifier.js';
import type { GeneralName } from '../../../src/x509/general-names.js';
import { applyYaml } from '../../support/fleet.js';
import { eventOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  account,
  accountKey,
  acmePolicy,
  askNames,
  authenticationPolicy,
  credentialId,
  dns,
  revokeCredential,
  startAcmeFleet,
} from './acme-conversation.js';

let test: TestGateway;

const profiles = `
profiles:
  - name: plain
    template: server
    subjectAltNames: [{ type: dns, source: request, pattern: "[a-z0-9.-]+[.]plant[.]example", maximum: 2 }]
    extendedKeyUsages: [serverAuth]
    validity: 90d
  - name: first
    template: server
    subjectAltNames: [{ type: ip, source: request }]
    extendedKeyUsages: [serverAuth]
    validity: 30d
  - name: gateway-ca
    template: basic-intermediate-ca
    subject: [{ attribute: commonName, source: request }]
    keyUsages: [keyCertSign]
    pathLength: 0
    validity: 1y
certificateAuthorities:
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
`;
const listed = '{ subject: { commonName: [x] }, subjectAltNames: { dns: [a.example] } }';
const several = 'profiles: [{ usage: bootstrap, profile: first }, { usage: operational, profile: plain }]';
const withCa = 'profiles: [{ usage: operational, profile: plain }, { usage: intermediate, profile: gateway-ca }]';

beforeAll(async () => {
  test = await startAcmeFleet(createTestClock());
  await applyYaml(
    test,
    profiles + authenticationPolicy([accountKey('listed', `registeredValues: ${listed}`), accountKey('gone')]),
  );
  await applyYaml(test, acmePolicy('several', 'challenges', several));
  await applyYaml(test, acmePolicy('with-ca', 'challenges', `issuingCa: gateways, ${withCa}`));
  await applyYaml(test, acmePolicy('off', 'challenges', 'enabled: false'));
  await revokeCredential(test, 'gone');
});
afterAll(() => test.close());

const refused = (code: string, says = '') => expect.objectContaining({ code, message: expect.stringContaining(says) });

const ip: readonly GeneralName[] = [{ type: 'ip', value: '192.0.2.1' }];

const bound = async (name: string) => ({ credentials: [account({ externalAccount: await credentialId(test, name) })] });

describe('Names without a request', () => {
  it('need no proof yet', async () => {
    await askNames(test, 'challenges', [...dns('a.example', '*.b.example'), ...ip]);
    await askNames(test, 'both', dns('a.example'), await bound('many'));
  });

  it('may be none: those of devices are proved in other ways', async () => {
    await askNames(test, 'challenges', []);
  });

  it('are judged by the profile that the request would get, or has chosen', async () => {
    await askNames(test, 'several', ip);
    await expect(askNames(test, 'several', dns('a.plant.example'))).rejects.toEqual(
      refused('rejected-name', 'subject alternative name dns is not taken by profile first (rule subject-alt-names)'),
    );
    await askNames(test, 'several', dns('a.plant.example'), { profileHint: 'plain' });
    await expect(askNames(test, 'several', dns('a.example'), { profileHint: 'plain' })).rejects.toEqual(
      refused('rejected-name', 'does not match the pattern'),
    );
    await expect(askNames(test, 'several', ip, { profileHint: 'server' })).rejects.toEqual(refused('rejected-profile'));
  });

  it('come with no other validity than a certificate would have', async () => {
    const day = (count: number) => new Date(test.gateway.core.clock.now().getTime() + count * 86_400_000);
    await askNames(test, 'several', ip, { notBefore: day(1), notAfter: day(29) });
    await expect(askNames(test, 'several', ip, { notAfter: day(31) })).rejects.toEqual(
      refused('rejected-profile', 'which profile first allows at most (rule validity)'),
    );
    await expect(askNames(test, 'several', ip, { notBefore: day(-2) })).rejects.toEqual(
      refused('rejected-profile', 'the requested begin of validity is before'),
    );
    const requestId = createIdentifier();
    await expect(askNames(test, 'several', ip, { notAfter: day(31), requestId })).rejects.toThrow();
    expect(await eventOf(test, { requestId })).toMatchObject({ action: 'request.refused', operation: 'newOrder' });
  });

  it('are never those of a CA', async () => {
    await askNames(test, 'with-ca', dns('a.plant.example'));
    const profileHint = 'gateway-ca';
    await expect(askNames(test, 'with-ca', [], { profileHint })).rejects.toEqual(refused('rejected-profile'));
  });

  it('are those that are registered with the external account, as far as they are asked for', async () => {
    await askNames(test, 'external', dns('A.example'), await bound('listed'));
    await askNames(test, 'external', [], await bound('listed'));
    await expect(askNames(test, 'external', dns('a.example', 'b.example'), await bound('listed'))).rejects.toEqual(
      refused('rejected-name', 'dns "b.example" is not registered with credential listed (rule registered-values)'),
    );
    await askNames(test, 'external', dns('pump-1.plant.example'), await bound('bound'));
    await expect(askNames(test, 'external', dns('pump-2'), await bound('bound'))).rejects.toEqual(
      refused('rejected-name', 'dns "pump-2" is not for credential bound of device "pump-1"'),
    );
  });

  it('are not those of a device that may have nothing', async () => {
    const { store, clock } = test.gateway.core;
    const id = createIdentifier();
    const at = clock.now().getTime();
    const device = { id, division: 'plant', name: 'pump-1', groupName: 'pumps', state: 'suspended' } as const;
    const insert = store.devices.insert({
      ...device,
      identifiers: '{}',
      attributes: '{}',
      createdAt: at,
      updatedAt: at,
    });
    await store.commit({ statements: [insert], audit: [] });
    await expect(askNames(test, 'external', dns('pump-1'), await bound('bound'))).rejects.toEqual(
      refused('forbidden', 'device "pump-1" is suspended'),
    );
  });

  it.each([
    ['off', 'forbidden', 'is disabled'],
    ['fleet', 'forbidden', 'is not open to acme'],
    ['external', 'bad-secret', 'needs an external account binding'],
    ['nowhere', 'not-found', ''],
  ])('are nobody’s under policy %s', async (label, code, says) => {
    const requestId = createIdentifier();
    await expect(askNames(test, label, dns('a.example'), { requestId })).rejects.toEqual(refused(code, says));
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'request.refused',
      operation: 'newOrder',
      code,
    });
  });

  it('are refused with an event that says whose they were', async () => {
    const requestId = createIdentifier();
    const credentials = [account({ account: 'account-7' })];
    await expect(askNames(test, 'several', dns('a.example'), { requestId, credentials })).rejects.toEqual(
      refused('rejected-name'),
    );
    expect(await eventOf(test, { requestId })).toMatchObject({
      operation: 'newOrder',
      code: 'rejected-name',
      label: 'several',
      requester: 'acme-account:account-7',
    });
    await expect(askNames(test, 'external', dns('a.example'), await bound('gone'))).rejects.toEqual(
      refused('bad-secret', 'was revoked'),
    );
  });

  it('that cannot be read are malformed', async () => {
    const subjectAltNames = Uint8Array.of(0x30, 3, 0x82, 5, 0x61);
    await expect(askNames(test, 'challenges', [], { subjectAltNames })).rejects.toEqual(refused('malformed-request'));
  });
});
