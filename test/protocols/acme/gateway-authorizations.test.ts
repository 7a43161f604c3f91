/** Authorizations on a real gateway: made beforehand, used again, given up, expired. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AcmeClient } from '../../support/acme/client.js';
import { csrFor, issue, prove, readyOrder } from '../../support/acme/flow.js';
import { readAuthorization, readOrder } from '../../support/acme/objects.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem, expectUsualHeaders } from '../../support/acme-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { eventsOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';

const name = 'pump-1.plant.example';
const other = 'pump-2.plant.example';
const notReady = { status: 403, type: 'orderNotReady', code: 'invalid-state' } as const;

const clock = createTestClock();
let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet({ clock });
  await placeNames(fleet, hostAddress, [name, other]);
  const lifetimes = 'orderLifetime: 4d, authorizationLifetime: 2d';
  await applyYaml(fleet.test, acmePolicy('brief', [fleet.validation, lifetimes]));
});
afterAll(() => fleet.close());

async function connect(policy = 'web'): Promise<void> {
  client = await fleet.clientWithAccount(policy, { isRealTime: false });
}

const prepared = () => ({ identifiers: [name], responders: respondersOf(fleet) });

describe('Pre-authorization (RFC 8555 7.4.1)', () => {
  it('has orders ready at once', async () => {
    await connect();
    const made = await client.newAuthorization(name);
    expect(made.status).toBe(201);
    expectUsualHeaders(made);
    const url = made.location ?? '';
    expect((await prove(client, url, respondersOf(fleet))).status).toBe('valid');
    const order = readOrder(await client.newOrder({ identifiers: [name] }));
    expect(order).toMatchObject({ status: 'ready', authorizations: [url] });
    const { certificate } = await issue(client, { identifiers: [name] });
    expect(certificate.subjectAltName).toBe(`DNS:${name}`);
  });

  it('is refused for wildcards and for what no certificate may have', async () => {
    await connect();
    const refusal = { type: 'rejectedIdentifier', code: 'rejected-name' } as const;
    await expectProblem(fleet, () => client.newAuthorization('*.plant.example'), { ...refusal, status: 403 });
    await expectProblem(fleet, () => client.newAuthorization('*.*.example'), { ...refusal, status: 400 });
    const type = { status: 400, type: 'unsupportedIdentifier', code: 'rejected-name' } as const;
    await expectProblem(fleet, () => client.newAuthorization({ type: 'email', value: 'a@plant.example' }), type);
  });
});

describe('An authorization that is valid', () => {
  it('is used again by the next orders of its account, and of no other one', async () => {
    await connect();
    const first = await issue(client, prepared());
    const again = readOrder(await client.newOrder({ identifiers: [name, other] }));
    expect(again.status).toBe('pending');
    expect(again.authorizations[0]).toBe(first.order.authorizations[0]);
    expect(readOrder(await client.newOrder({ identifiers: [name] })).status).toBe('ready');
    expect(readOrder(await client.newOrder({ identifiers: [`*.${name}`] })).status).toBe('pending');
    await connect();
    expect(readOrder(await client.newOrder({ identifiers: [name] })).status).toBe('pending');
  });

  it('is given up by its account (7.5.2): orders fail with it, and later ones need another one', async () => {
    await connect();
    const { url, order } = await readyOrder(client, prepared());
    const [authorization = ''] = order.authorizations;
    expect(readAuthorization(await client.deactivateAuthorization(authorization)).status).toBe('deactivated');
    expect(await eventsOf(fleet.test, 'authorization.deactivated')).toHaveLength(1);
    const failed = readOrder(await client.fetch(url));
    expect(failed).toMatchObject({ status: 'invalid', error: { type: 'urn:ietf:params:acme:error:unauthorized' } });
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), notReady);
    const next = readOrder(await client.newOrder({ identifiers: [name] }));
    expect(next.status).toBe('pending');
    expect(next.authorizations).not.toContain(authorization);
  });

  it('of another account is not to be seen, proved or given up', async () => {
    await connect();
    const { order } = await readyOrder(client, prepared());
    const [authorization = ''] = order.authorizations;
    const [challenge] = readAuthorization(await client.fetch(authorization)).challenges;
    await connect();
    const unknown = { status: 404, type: 'malformed', code: 'not-found' } as const;
    await expectProblem(fleet, () => client.fetch(authorization), unknown);
    await expectProblem(fleet, () => client.deactivateAuthorization(authorization), unknown);
    await expectProblem(fleet, () => client.respond(challenge?.url ?? ''), unknown);
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), unknown);
  });

  it('is good for as long as the policy says', async () => {
    await connect('brief');
    const { order } = await issue(client, prepared());
    const [authorization = ''] = order.authorizations;
    clock.advance(daySeconds);
    expect(readOrder(await client.newOrder({ identifiers: [name] })).status).toBe('ready');
    clock.advance(daySeconds);
    expect(readAuthorization(await client.fetch(authorization)).status).toBe('expired');
    expect(readOrder(await client.newOrder({ identifiers: [name] })).status).toBe('pending');
  });
});

describe('What nobody goes on with expires (RFC 8555 7.1.6)', () => {
  it('an order that is ready when its authorization does', async () => {
    await connect('brief');
    const { url, order } = await readyOrder(client, prepared());
    expect(Date.parse(order.expires ?? '')).toBeLessThanOrEqual(clock.now().getTime() + 2 * daySeconds * 1000);
    clock.advance(2 * daySeconds);
    expect(readOrder(await client.fetch(url)).status).toBe('invalid');
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), notReady);
  });

  it('an order that is pending, with its authorizations, which take no response then', async () => {
    await connect();
    const made = await client.newOrder({ identifiers: [name] });
    const [authorization = ''] = readOrder(made).authorizations;
    const [challenge] = readAuthorization(await client.fetch(authorization)).challenges;
    clock.advance(7 * daySeconds);
    expect(readOrder(await client.fetch(made.location ?? '')).status).toBe('invalid');
    expect(readAuthorization(await client.fetch(authorization)).status).toBe('expired');
    const ended = { status: 400, type: 'malformed', code: 'malformed-request', says: 'expired' } as const;
    await expectProblem(fleet, () => client.respond(challenge?.url ?? ''), ended);
  });
});
