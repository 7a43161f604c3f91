/** ACME accounts as credentials: what they are bound to, what they have proved, and what that opens (RFC 8555 7.3 and 7.4). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { authenticateMessage } from '../../../src/enrollment/authenticate-message.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { findCertificate } from '../../../src/enrollment/find-certificate.js';
import { createIdentifier } from '../../../src/identifier.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { applyYaml } from '../../support/fleet.js';
import { countRecords } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  account,
  accountKey,
  acmePolicy,
  authenticationPolicy,
  credentialId,
  dns,
  dnsIdentifiers,
  issued,
  refusal,
  remoteAddress,
  request,
  revokeCredential,
  startAcmeFleet,
  usesOf,
} from './acme-conversation.js';
import { recordOf } from './cmp-conversation.js';

const clock = createTestClock();
let test: TestGateway;

beforeAll(async () => {
  test = await startAcmeFleet(clock);
  const own = `{ name: secret, division: plant, require: secret, credentials: [${accountKey('own')}] }`;
  await applyYaml(
    test,
    `authenticationPolicies:\n  - ${own}\n${acmePolicy('secret', 'challenges', 'authenticationPolicy: secret')}`,
  );
});
afterAll(() => test.close());

const refused = (code: string, says = '') => expect.objectContaining({ code, message: expect.stringContaining(says) });

const named = { names: dns('a.example') };
const proof = { identifiers: dnsIdentifiers('a.example') };

describe('An account without an external one', () => {
  it('gets certificates for what it has proved, as its own requester', async () => {
    const certificate = await issued(test, {
      label: 'challenges',
      credentials: [account({ account: 'account-1', ...proof })],
      ...named,
    });
    expect(await recordOf(test, certificate)).toMatchObject({ requester: 'acme-account:account-1', protocol: 'acme' });
  });

  it('gets none for anything else', async () => {
    const credentials = [account(proof)];
    for (const wish of [
      { names: dns('b.example') },
      { names: dns('a.example', 'b.example') },
      { names: dns('*.a.example') },
      { ...named, subject: 'CN=b.example' },
      { ...named, subject: 'serialNumber=pump-1' },
    ]) {
      expect(await refusal(test, { label: 'challenges', credentials, ...wish })).toEqual(
        refused('rejected-name', '(rule proved-identifiers)'),
      );
    }
    await issued(test, { label: 'challenges', credentials, ...named, subject: 'CN=A.example' });
  });

  it.each(['external', 'both'])('gets none where the policy wants one: %s', async (label) => {
    expect(await refusal(test, { label, credentials: [account(proof)], ...named })).toEqual(
      refused('bad-secret', 'needs an external account binding'),
    );
  });

  it('does not do where the authentication policy requires a secret', async () => {
    expect(await refusal(test, { label: 'secret', credentials: [account(proof)], ...named })).toEqual(
      refused('bad-secret', 'needs an external account binding'),
    );
  });
});

describe('An account that is bound to an external one', () => {
  it('needs no proofs where that is proof enough, and uses nothing of it up', async () => {
    const externalAccount = await credentialId(test, 'once');
    const uses = await usesOf(test, 'once');
    for (let i = 0; i < 2; i++) {
      await issued(test, {
        label: 'external',
        credentials: [account({ externalAccount })],
        names: dns(`e${i}.example`),
      });
    }
    expect(await usesOf(test, 'once')).toBe(uses);
  });

  it('needs both where the policy wants both', async () => {
    const externalAccount = await credentialId(test, 'many');
    expect(await refusal(test, { label: 'both', credentials: [account({ externalAccount })], ...named })).toEqual(
      refused('rejected-name', 'is none of the identifiers that the account has proved'),
    );
    await issued(test, { label: 'both', credentials: [account({ externalAccount, ...proof })], ...named });
  });

  it('is a secret', async () => {
    const externalAccount = await credentialId(test, 'own', 'secret');
    await issued(test, { label: 'secret', credentials: [account({ externalAccount, ...proof })], ...named });
  });

  it('has names of the device that is registered with that', async () => {
    const credentials = [account({ externalAccount: await credentialId(test, 'bound') })];
    const certificate = await issued(test, { label: 'external', credentials, names: dns('pump-1.plant.example') });
    const { deviceId } = await recordOf(test, certificate);
    const device = await test.gateway.core.store.devices.findById({ id: deviceId ?? '' });
    expect(device?.name).toBe('pump-1');
    expect(await refusal(test, { label: 'external', credentials, names: dns('pump-2') })).toEqual(
      refused('rejected-name', 'dns "pump-2" is not for credential bound of device "pump-1"'),
    );
  });

  it('lives on when that has expired, for that is the end of opening accounts', async () => {
    const credentials = [account({ externalAccount: await credentialId(test, 'expiring') })];
    clock.advance(7200);
    await issued(test, { label: 'external', credentials, names: dns('late.example') });
  });

  it('is held to the addresses that are allowed to that', async () => {
    const credentials = [account({ externalAccount: await credentialId(test, 'elsewhere') })];
    const wish = { label: 'external', credentials, names: dns('elsewhere.example') };
    expect(await refusal(test, wish)).toEqual(refused('bad-secret', 'may not be used from this address'));
    await issued(test, { ...wish, remoteAddress: '198.51.100.9' });
  });

  it.each([
    ['of nobody', async () => createIdentifier()],
    ['of another kind', () => credentialId(test, 'code')],
    ['of another authentication policy', () => credentialId(test, 'own', 'secret')],
  ])('is refused with one %s', async (_, externalAccount) => {
    const credentials = [account({ externalAccount: await externalAccount(), ...proof })];
    for (const label of ['challenges', 'external', 'both']) {
      expect(await refusal(test, { label, credentials, ...named })).toEqual(
        refused('bad-secret', 'open an account with it'),
      );
    }
  });

  it('ends with the revocation of that', async () => {
    await applyYaml(test, authenticationPolicy([accountKey('ended')]));
    const credentials = [account({ externalAccount: await credentialId(test, 'ended'), ...proof })];
    await issued(test, { label: 'challenges', credentials, ...named });
    await revokeCredential(test, 'ended');
    for (const label of ['challenges', 'external', 'both']) {
      expect(await refusal(test, { label, credentials, ...named })).toEqual(
        refused('bad-secret', 'was revoked; ask the operator for a new one and open an account with it'),
      );
    }
  });

  it('gets nothing when that is revoked while the certificate is made', async () => {
    await applyYaml(test, authenticationPolicy([accountKey('overtaken')]));
    const externalAccount = await credentialId(test, 'overtaken');
    const { core } = test.gateway;
    const before = await countRecords(test);
    const authority = {
      ...core.authority,
      issue: async (...approved: Parameters<typeof core.authority.issue>) => {
        await revokeCredential(test, 'overtaken');
        return await core.authority.issue(...approved);
      },
    };
    const wish = { label: 'external', credentials: [account({ externalAccount })], names: dns('x.example') };
    await expect(enroll(request(wish), { ...core, authority })).rejects.toEqual(refused('bad-secret'));
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('An account', () => {
  const message = { label: 'challenges', credentials: [account(proof)], remoteAddress, requestId: '' } as const;

  it('speaks in messages of ACME alone', async () => {
    const asked = { ...message, protocol: 'acme', operation: 'order', requestId: createIdentifier() } as const;
    expect(await authenticateMessage(asked, test.gateway.core)).toMatchObject({
      id: expect.stringMatching(/^acme-account:/),
      credentials: [],
    });
    const other = { ...asked, protocol: 'est', label: 'fleet', requestId: createIdentifier() } as const;
    await expect(authenticateMessage(other, test.gateway.core)).rejects.toEqual(refused('untrusted-signer'));
  });

  it('neither re-enrolls, nor asks for others’ certificates, nor speaks beside another credential', async () => {
    expect(await refusal(test, { ...message, operation: 'reenroll', ...named, requestId: createIdentifier() })).toEqual(
      refused('untrusted-signer'),
    );
    const password = { kind: 'password', password: 'some-passcode' } as const;
    const both = [...message.credentials, password];
    expect(await refusal(test, { ...message, credentials: both, ...named, requestId: createIdentifier() })).toEqual(
      refused('untrusted-signer'),
    );
    const certificate = await issued(test, { ...message, ...named, requestId: createIdentifier() });
    const { issuer, serialNumber } = decodeCertificate(certificate);
    const query = { ...message, protocol: 'acme', operation: 'find', issuer, serialNumber } as const;
    await expect(findCertificate({ ...query, requestId: createIdentifier() }, test.gateway.core)).rejects.toEqual(
      refused('untrusted-signer'),
    );
  });

  it('does not wait for those at the same address who guess secrets, nor count among them', async () => {
    const { failures, failuresPerMinute } = test.gateway.core;
    const from = '203.0.113.77';
    await refusal(test, { label: 'both', credentials: [account()], remoteAddress: from, ...named });
    expect(failures.count(from)).toBe(0);
    failures.add(from, failuresPerMinute);
    await issued(test, { ...message, ...named, remoteAddress: from, requestId: createIdentifier() });
  });

  it('gets no CA certificate', async () => {
    await applyYaml(
      test,
      `certificateAuthorities:
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
profiles:
  - name: gateway-ca
    template: basic-intermediate-ca
    subject: [{ attribute: commonName, source: request }]
    keyUsages: [digitalSignature, keyCertSign, cRLSign]
    pathLength: 0
    validity: 1y
${acmePolicy('gateways', 'externalAccount', 'issuingCa: gateways, profiles: [{ usage: operational, profile: server }, { usage: intermediate, profile: gateway-ca }]')}`,
    );
    const credentials = [account({ externalAccount: await credentialId(test, 'many') })];
    const wish = { label: 'gateways', credentials, subject: 'CN=a gateway' };
    expect(await refusal(test, { ...wish, usage: 'intermediate' })).toEqual(
      refused('forbidden', 'has no profile for this requester'),
    );
    expect(await refusal(test, { ...wish, profileHint: 'gateway-ca' })).toEqual(refused('rejected-profile'));
  });
});
