/** Orders that wait for people whose requester goes no further (RFC 8555 7.3.6, 7.5.2), on a real gateway. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { csrFor, type Proof, readyOrder, txtRecord } from '../../support/acme/flow.js';
import { readOrder } from '../../support/acme/objects.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { newKey } from '../../support/make-csr.js';
import { by } from '../../support/operator.js';
import { eventsOf, firstPendingRequest } from '../../support/records.js';

let fleet: AcmeFleet;
beforeAll(async () => {
  fleet = await startAcmeFleet();
});
afterAll(() => fleet.close());

const responders = {
  'dns-01': async (proof: Proof) => {
    const { name, value } = txtRecord(proof);
    await fleet.challenges.addText(name, value);
  },
};

describe('ACME orders that wait for an approval (RFC 8555 7.4)', () => {
  it.each<[string, (client: AcmeClient, authorization: string) => Promise<unknown>]>([
    ['its authorization was deactivated (7.5.2)', (client, url) => client.deactivateAuthorization(url)],
    ['its account was deactivated (7.3.6)', (client) => client.updateAccount({ status: 'deactivated' })],
  ])('can be approved no more when %s', async (_, giveUp) => {
    const client = fleet.client('approval');
    await client.newAccount();
    const identifiers = ['pump-1.plant.example'];
    const { order } = await readyOrder(client, { identifiers, responders });
    const waiting = readOrder(await client.finalize(order.finalize, csrFor(identifiers, newKey())));
    expect(waiting.status).toBe('processing');
    const request = await firstPendingRequest(fleet.test);
    const withdrawn = (await eventsOf(fleet.test, 'request.withdrawn')).length;
    await giveUp(client, order.authorizations[0] ?? '');
    await expect(approveRequest(request, by('test'), fleet.test.gateway.core)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:invalid-state|not-found)$/),
    });
    expect(await eventsOf(fleet.test, 'request.withdrawn')).toHaveLength(withdrawn + 1);
  });
});
