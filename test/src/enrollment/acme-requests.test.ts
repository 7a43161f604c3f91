/** Requests of ACME accounts whose device is attested, and that wait for people. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { poll } from '../../../src/enrollment/poll.js';
import { decodeIdentity } from '../../../src/enrollment/stored-request.js';
import { createIdentifier } from '../../../src/identifier.js';
import { applyYaml, yamlPem } from '../../support/fleet.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { by } from '../../support/operator.js';
import { eventOf } from '../../support/records.js';
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

let test: TestGateway;

beforeAll(async () => {
  test = await startAcmeFleet(createTestClock());
  await applyYaml(test, acmePolicy('waiting', 'both', 'approval: manual'));
});
afterAll(() => test.close());

function ca(name: string, changes: string): string {
  return `{ kind: authentication-ca, name: ${name}, certificate: ${yamlPem(createManufacturer(name).certificate)}, ${changes} }`;
}

const refused = (code: string, says = '') => expect.objectContaining({ code, message: expect.stringContaining(says) });

const named = { names: dns('a.example') };
const proof = { identifiers: dnsIdentifiers('a.example') };

describe('An account whose device is attested', () => {
  const attested = (value: string, attestedBy: readonly string[] = ['vendor']) =>
    account({ identifiers: [{ type: 'permanent-identifier', value }], attestedBy });

  it('has that identifier as the name of its device', async () => {
    const certificate = await issued(test, {
      label: 'challenges',
      credentials: [attested('Serial-1')],
      subject: 'CN=Serial-1',
    });
    const record = await recordOf(test, certificate);
    const device = await test.gateway.core.store.devices.findById({ id: record.deviceId ?? '' });
    expect(device?.name).toBe('Serial-1');
    const { requester } = (await eventOf(test, record)) ?? {};
    expect(requester).toMatchObject({ credentials: [{ kind: 'authentication-ca', name: 'vendor' }] });
  });

  it('is refused when the CA that attests it is none of the policy', async () => {
    for (const attestedBy of [['nobody'], ['vendor', 'nobody'], ['many'], ['code']]) {
      const credentials = [attested('Serial-1', attestedBy)];
      expect(await refusal(test, { label: 'challenges', credentials, subject: 'CN=Serial-1' })).toEqual(
        refused('untrusted-signer', 'does not authenticate requests to this policy any more'),
      );
    }
  });

  it('is held to the time, addresses and registered values of that CA', async () => {
    const pem = [
      ca('past', 'notAfter: "2020-01-01T00:00:00Z"'),
      ca('far', 'allowedAddresses: [198.51.100.0/24]'),
      ca('narrow', 'registeredValues: { subject: { commonName: [Serial-7] } }'),
    ];
    await applyYaml(test, authenticationPolicy(pem));
    const asked = (name: string, value: string) =>
      refusal(test, { label: 'challenges', credentials: [attested(value, [name])], subject: `CN=${value}` });
    expect(await asked('past', 'Serial-2')).toEqual(refused('untrusted-signer', 'at this time'));
    expect(await asked('far', 'Serial-2')).toEqual(refused('untrusted-signer', 'from this address'));
    expect(await asked('narrow', 'Serial-2')).toEqual(refused('rejected-name', 'is not registered with credential'));
    await issued(test, {
      label: 'challenges',
      credentials: [attested('Serial-7', ['narrow', 'narrow'])],
      subject: 'CN=Serial-7',
    });
  });
});

describe('A request that waits for approval', () => {
  it('is polled by its account alone, and keeps to what was proved', async () => {
    const externalAccount = await credentialId(test, 'once');
    const uses = await usesOf(test, 'once');
    const credential = account({ externalAccount, ...proof });
    const result = await enroll(request({ label: 'waiting', credentials: [credential], ...named }), test.gateway.core);
    if (result.outcome !== 'pending') throw new Error('it does not wait');
    const kept = await test.gateway.core.store.enrollmentTransactions.findByRequestId(result);
    expect(decodeIdentity(kept?.identity ?? '')).toEqual({
      requester: `acme-account:${credential.account}`,
      credentials: [{ id: externalAccount, kind: 'acme-account-key', name: 'once', isCounted: true }],
      isAccount: true,
      provedIdentifiers: proof.identifiers,
    });
    const ask = (credentials = [credential]) =>
      poll(
        {
          protocol: 'acme',
          label: 'waiting',
          pending: { requestId: result.requestId, credentials },
          remoteAddress,
          requestId: createIdentifier(),
        },
        test.gateway.core,
      );
    expect(await ask()).toMatchObject({ outcome: 'pending' });
    await expect(ask([account({ externalAccount, ...proof })])).rejects.toEqual(refused('not-found'));
    await approveRequest(result.requestId, by('alice'), test.gateway.core);
    expect(await ask()).toMatchObject({ outcome: 'issued' });
    expect(await usesOf(test, 'once')).toBe(uses);
  });

  it('cannot be approved after the revocation of the external account', async () => {
    await applyYaml(test, authenticationPolicy([accountKey('withdrawn')]));
    const credentials = [account({ externalAccount: await credentialId(test, 'withdrawn'), ...proof })];
    const result = await enroll(request({ label: 'waiting', credentials, ...named }), test.gateway.core);
    if (result.outcome !== 'pending') throw new Error('it does not wait');
    await revokeCredential(test, 'withdrawn');
    await expect(approveRequest(result.requestId, by('alice'), test.gateway.core)).rejects.toEqual(
      refused('invalid-state', 'has been revoked since'),
    );
  });
});
