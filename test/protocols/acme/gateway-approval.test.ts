/** Orders that people decide about (RFC 8555 7.4), on a real gateway. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { certificatesIn, csrFor, readyOrder } from '../../support/acme/flow.js';
import { type Order, readOrder } from '../../support/acme/objects.js';
import { hostAddress, placeNames, respondersOf } from '../../support/acme/server.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem, expectUsualHeaders, requestIdOf } from '../../support/acme-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { countRecords, recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';

const name = 'pump-1.plant.example';

const clock = createTestClock();
let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet({ clock });
  const approval = 'approval: manual, pollInterval: 10s, approvalTimeout: 2d';
  await applyYaml(fleet.test, acmePolicy('manual', [fleet.validation], approval));
  await placeNames(fleet, hostAddress, [name]);
  client = await fleet.clientWithAccount('manual', { isRealTime: false });
});
afterAll(() => fleet.close());

/** Finalizes an order, which then waits. */
async function waiting(): Promise<{ url: string; order: Order; requestId: string }> {
  const { url, order } = await readyOrder(client, { identifiers: [name], responders: respondersOf(fleet) });
  const answer = await client.finalize(order.finalize, csrFor([name], newKey()));
  expect({ status: readOrder(answer).status, retryAfter: answer.retryAfter }).toEqual({
    status: 'processing',
    retryAfter: 10,
  });
  expectUsualHeaders(answer);
  return { url, order, requestId: requestIdOf(answer) };
}

describe('An order that waits for approval', () => {
  it('is processing, with Retry-After, and nothing is issued', async () => {
    const { url, order } = await waiting();
    const before = await countRecords(fleet.test);
    const answer = await client.fetch(url);
    expect(readOrder(answer)).toMatchObject({ status: 'processing' });
    expect(readOrder(answer)).not.toHaveProperty('certificate');
    expect(answer.retryAfter).toBe(10);
    const refusal = { status: 403, type: 'orderNotReady', code: 'invalid-state', says: 'processing' } as const;
    await expectProblem(fleet, () => client.finalize(order.finalize, csrFor([name], newKey())), refusal);
    expect(await countRecords(fleet.test)).toEqual(before);
  });

  it('is valid with its certificate once it is approved', async () => {
    const { url, requestId } = await waiting();
    expect(await approveRequest(requestId, by('alice'), fleet.test.gateway.core)).toMatchObject({ outcome: 'issued' });
    const order = readOrder(await client.fetch(url));
    expect(order.status).toBe('valid');
    const [certificate] = certificatesIn(await client.fetch(order.certificate ?? ''));
    if (certificate === undefined) throw new Error('there is no certificate');
    expect(await recordOf(fleet.test, certificate)).toMatchObject({ protocol: 'acme', policy: 'manual' });
    const again = readOrder(await client.fetch(url));
    expect(again).toEqual(order);
  });

  it('is invalid once it is rejected, and says why', async () => {
    const { url, requestId } = await waiting();
    await rejectRequest(requestId, by('bob', 'not one of ours'), fleet.test.gateway.core);
    expect(readOrder(await client.fetch(url))).toMatchObject({
      status: 'invalid',
      error: {
        type: 'urn:ietf:params:acme:error:unauthorized',
        detail: expect.stringContaining('not one of ours'),
      },
    });
  });

  it('is invalid when nobody has decided in time', async () => {
    const { url } = await waiting();
    clock.advance(2 * daySeconds);
    expect(readOrder(await client.fetch(url)).status).toBe('invalid');
  });

  it('waits over a restart of the gateway', async () => {
    const { url, requestId } = await waiting();
    await fleet.restart();
    expect(readOrder(await client.fetch(url)).status).toBe('processing');
    await approveRequest(requestId, by('alice'), fleet.test.gateway.core);
    expect(readOrder(await client.fetch(url)).status).toBe('valid');
  });
});
