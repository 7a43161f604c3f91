/** What a policy of a real gateway allows besides proofs: CAA records, and how many of everything. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AcmeClient } from '../../support/acme/client.js';
import { issue, readyOrder } from '../../support/acme/flow.js';
import { readOrder } from '../../support/acme/objects.js';
import { hostAddress, respondersOf } from '../../support/acme/server.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem } from '../../support/acme-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { countRecords } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';

const limited = { status: 429, type: 'rateLimited', code: 'rate-limited' } as const;

const clock = createTestClock();
let fleet: AcmeFleet;
beforeAll(async () => {
  fleet = await startAcmeFleet({ clock });
});
afterAll(() => fleet.close());

async function clientOf(policy: string, acme = '', localAddress = '127.0.0.1'): Promise<AcmeClient> {
  if (acme !== '') await applyYaml(fleet.test, acmePolicy(policy, [fleet.validation, acme]));
  return await fleet.clientWithAccount(policy, { isRealTime: false, localAddress });
}

describe('CAA records (RFC 8659)', () => {
  const identities = 'caaIdentities: [plant.example]';
  const address = { type: 'A', address: hostAddress } as const;
  const caa = (value: string) => ({ type: 'CAA', flags: 0, tag: 'issue', value }) as const;

  it('that name others end the order, where the policy has names of its own', async () => {
    fleet.dns.set('others.example', [address, caa('other-ca.example')]);
    const client = await clientOf('careful', identities);
    expect((await client.directory()).meta?.caaIdentities).toEqual(['plant.example']);
    const before = await countRecords(fleet.test);
    const order = readyOrder(client, { identifiers: ['others.example'], responders: respondersOf(fleet) });
    await expect(order).rejects.toThrow('urn:ietf:params:acme:error:caa');
    expect(await countRecords(fleet.test)).toEqual(before);
  });

  it('that name the gateway let it issue, to the account that they name (RFC 8657)', async () => {
    const client = await clientOf('careful', identities);
    fleet.dns.set('ours.example', [address, caa(`plant.example; accounturi=${client.account}`)]);
    const wish = { identifiers: ['ours.example'], responders: respondersOf(fleet) };
    expect((await issue(client, wish)).certificate.subjectAltName).toBe('DNS:ours.example');
    const stranger = await clientOf('careful');
    await expect(readyOrder(stranger, wish)).rejects.toThrow('urn:ietf:params:acme:error:caa');
  });

  it('are not asked for where it has none', async () => {
    fleet.dns.set('unasked.example', [address, caa('other-ca.example')]);
    const client = await clientOf('web');
    const { certificate } = await issue(client, { identifiers: ['unasked.example'], responders: respondersOf(fleet) });
    expect(certificate.subjectAltName).toBe('DNS:unasked.example');
    expect(fleet.dns.queries().filter((query) => query.startsWith('unasked.example CAA'))).toEqual([]);
  });
});

describe('Rate limits (RFC 8555 6.6)', () => {
  it('of orders are for each account, and tell when there is room again', async () => {
    const client = await clientOf('few-orders', 'limits: { ordersPerAccount: 2 }');
    const identifiers = ['pump-1.plant.example'];
    readOrder(await client.newOrder({ identifiers }));
    clock.advance(600);
    readOrder(await client.newOrder({ identifiers }));
    const { answer } = await expectProblem(fleet, () => client.newOrder({ identifiers }), limited);
    expect(answer.retryAfter).toBe(3000);
    readOrder(await (await clientOf('few-orders')).newOrder({ identifiers }));
    clock.advance(3000);
    readOrder(await client.newOrder({ identifiers }));
    await expectProblem(fleet, () => client.newOrder({ identifiers }), limited);
  });

  it('of authorizations are for each identifier, whoever asks', async () => {
    const client = await clientOf('few-proofs', 'limits: { authorizationsPerIdentifier: 2 }');
    const other = await clientOf('few-proofs');
    readOrder(await client.newOrder({ identifiers: ['a.example'] }));
    readOrder(await other.newOrder({ identifiers: ['a.example'] }));
    const { answer } = await expectProblem(fleet, () => client.newOrder({ identifiers: ['a.example'] }), limited);
    expect(answer.retryAfter).toBe(3600);
    await expectProblem(fleet, () => other.newAuthorization('a.example'), limited);
    readOrder(await client.newOrder({ identifiers: ['b.example'] }));
  });

  it('of accounts are for each source address', async () => {
    await clientOf('few-accounts', 'limits: { accountsPerAddress: 2 }', '127.0.0.5');
    const second = await clientOf('few-accounts', '', '127.0.0.5');
    const third = fleet.client('few-accounts', { isRealTime: false, localAddress: '127.0.0.5' });
    const { answer } = await expectProblem(fleet, () => third.newAccount(), limited);
    expect(answer.retryAfter).toBeGreaterThan(0);
    expect((await second.newAccount({}, { identifyBy: 'jwk' })).status).toBe(200);
    expect((await clientOf('few-accounts', '', '127.0.0.6')).account).toBeDefined();
    clock.advance(3600);
    expect((await third.newAccount()).status).toBe(201);
  });
});
