/** Requests that their requesters want no more (RFC 9810 5.3.21). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { enroll } from '../../../src/enrollment/enroll.js';
import { withdraw } from '../../../src/enrollment/withdraw.js';
import { createIdentifier } from '../../../src/identifier.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { by } from '../../support/operator.js';
import { eventOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import { remoteAddress, request, startCmpFleet } from './cmp-conversation.js';

let test: TestGateway;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet(clock);
  await applyYaml(test, policyLike('manual', 'methods: [cmp], approval: manual, approvalTimeout: 1d'));
});
afterAll(() => test.close());

/** The id of a request that waits, and whose it is. */
async function pending(): Promise<{ id: string; requester: string }> {
  const { core } = test.gateway;
  const asked = await enroll(request({ label: 'manual' }), core);
  if (asked.outcome !== 'pending') throw new Error('not pending');
  const found = await core.store.enrollmentTransactions.findByRequestId({ requestId: asked.requestId });
  return { id: asked.requestId, requester: JSON.parse(found?.identity ?? '{}').requester };
}

async function stateOf(requestId: string) {
  const found = await test.gateway.core.store.enrollmentTransactions.findByRequestId({ requestId });
  return { state: found?.state, reason: found?.reason };
}

async function withdrawal(id: string, requester: string, reason = 'no more'): Promise<string> {
  const requestId = createIdentifier();
  const message = { protocol: 'cmp', requester, pending: id, reason, remoteAddress, requestId } as const;
  await withdraw(message, test.gateway.core);
  return requestId;
}

describe('A requester that withdraws its request', () => {
  it('has it rejected, in its own words', async () => {
    const { id, requester } = await pending();
    const requestId = await withdrawal(id, requester);
    expect(await stateOf(id)).toEqual({ state: 'rejected', reason: 'withdrawn by its requester: no more' });
    expect(await eventOf(test, { requestId })).toMatchObject({
      action: 'request.withdrawn',
      outcome: 'success',
      subject: id,
      requester,
      said: 'no more',
    });
  });

  it('need give no reason', async () => {
    const { id, requester } = await pending();
    await withdrawal(id, requester, '');
    expect(await stateOf(id)).toEqual({ state: 'rejected', reason: 'withdrawn by its requester' });
  });

  it('cannot withdraw that of another one', async () => {
    const { id } = await pending();
    await withdrawal(id, 'somebody else');
    expect(await stateOf(id)).toEqual({ state: 'pending', reason: null });
  });

  it('is too late when it was approved, or has expired', async () => {
    const { id, requester } = await pending();
    await approveRequest(id, by('alice'), test.gateway.core);
    await withdrawal(id, requester);
    expect(await stateOf(id)).toEqual({ state: 'issued', reason: null });
    const late = await pending();
    clock.advance(86_401);
    await withdrawal(late.id, late.requester);
    expect(await stateOf(late.id)).toEqual({ state: 'pending', reason: null });
  });

  it('or an operator decides, where both do so at the same time', async () => {
    for (let i = 0; i < 5; i++) {
      const { id, requester } = await pending();
      const outcomes = await Promise.allSettled([
        approveRequest(id, by('alice'), test.gateway.core),
        withdrawal(id, requester),
      ]);
      const { state } = await stateOf(id);
      const [approved] = outcomes.map(({ status }) => status === 'fulfilled');
      expect({ state, approved }).toEqual({ state: approved ? 'issued' : 'rejected', approved });
    }
  });
});
