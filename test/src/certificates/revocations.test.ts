import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { releaseOne, revokeMany, revokeOne } from '../../../src/certificates/revocations.js';
import { issued, plant, site, startOperatedFleet } from '../../support/operated-fleet.js';
import { operator } from '../../support/operator.js';
import { eventsOf } from '../../support/records.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  ({ test } = await startOperatedFleet());
});
afterAll(() => test.close());

const actor = { ...operator('olga'), remoteAddress: '192.0.2.7', requestId: 'request-1' };
const byOlga = { reason: 'superseded', actor } as const;

async function statusOf(id: string): Promise<string | undefined> {
  return (await test.gateway.core.store.certificates.findById({ id }))?.status;
}

describe('revocation by an operator', () => {
  it('is on record with who, from where and why', async () => {
    const { id } = await issued(test, { name: 'pump-1' });
    await revokeOne(id, plant, { ...byOlga, reason: 'keyCompromise' }, test.gateway.core);
    expect(await statusOf(id)).toBe('revoked');
    const [event] = await eventsOf(test, 'certificate.revoked');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({
      subject: id,
      reason: 'keyCompromise',
      name: 'CN=pump-1',
      actor: 'olga',
      remoteAddress: '192.0.2.7',
      requestId: 'request-1',
    });
  });

  it('is done by one of fifty who try at the same time', async () => {
    const { id } = await issued(test);
    const before = (await eventsOf(test, 'certificate.revoked')).length;
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => revokeOne(id, plant, byOlga, test.gateway.core)),
    );
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(refusals).toEqual(Array.from({ length: 49 }, () => 'already-revoked'));
    expect((await eventsOf(test, 'certificate.revoked')).length).toBe(before + 1);
  });

  it('follows a hold, which it ends for good', async () => {
    const { id } = await issued(test);
    const { core } = test.gateway;
    await revokeOne(id, plant, { actor, reason: 'certificateHold' }, core);
    expect(await statusOf(id)).toBe('held');
    await releaseOne(id, plant, { actor }, core);
    expect(await statusOf(id)).toBe('valid');
    await expect(releaseOne(id, plant, { actor }, core)).rejects.toMatchObject({ code: 'invalid-state' });
    await revokeOne(id, plant, { actor, reason: 'certificateHold' }, core);
    await revokeOne(id, plant, byOlga, core);
    expect(await statusOf(id)).toBe('revoked');
    await expect(releaseOne(id, plant, { actor }, core)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(revokeOne(id, plant, { actor, reason: 'certificateHold' }, core)).rejects.toMatchObject({
      code: 'invalid-state',
    });
  });

  it('does not see what is of another division, of the gateway itself, or not there', async () => {
    const { id } = await issued(test);
    const { core } = test.gateway;
    const [ca] = core.authority.generations().map(({ id: generation }) => generation);
    for (const [which, scope] of [
      [id, site],
      [id, new Set<string>()],
      [`${ca}:00`, 'everywhere'],
    ] as const) {
      await expect(revokeOne(which, scope, byOlga, core)).rejects.toMatchObject({ code: 'not-found' });
      await expect(releaseOne(which, scope, { actor }, core)).rejects.toMatchObject({ code: 'not-found' });
    }
    expect(await statusOf(id)).toBe('valid');
    const [own] = await core.store.certificates.search({
      conditions: { usage: 'service' },
      order: { by: 'issuedAt', descending: true },
      limit: 1,
    });
    await expect(revokeOne(own?.id ?? '', plant, byOlga, core)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('stands or falls with what accompanies it', async () => {
    const { id } = await issued(test);
    const { core } = test.gateway;
    const guard = core.store.certificates.requireValid({ id: 'nowhere:00' });
    await expect(revokeOne(id, plant, { ...byOlga, accompanying: [guard] }, core)).rejects.toMatchObject({
      code: 'revoked-requester',
    });
    expect(await statusOf(id)).toBe('valid');
  });

  it.each([
    ['to come', '2099-01-01T00:00:00Z'],
    // A second later it is the year 0, which a GeneralizedTime has room for; of this one every reader would refuse the CRL.
    ['before all calendars of X.509', '0000-01-01T09:59:59+10:00'],
  ])('takes no key to be suspected since a time %s', async (_what, time) => {
    const { id } = await issued(test);
    const invalidityDate = new Date(time);
    await expect(revokeOne(id, plant, { ...byOlga, invalidityDate }, test.gateway.core)).rejects.toMatchObject({
      code: 'malformed-request',
    });
    expect(await statusOf(id)).toBe('valid');
  });

  it('of many revokes what can be, and says of each what has come of it', async () => {
    const { core } = test.gateway;
    const records = await Promise.all(Array.from({ length: 60 }, () => issued(test)));
    const revoked = records[3]?.id ?? '';
    const foreign = (await issued(test, { policy: 'site' })).id;
    await revokeOne(revoked, plant, byOlga, core);
    const ids = [...records.map(({ id }) => id), foreign, 'devices-1:00'];
    const outcomes = await revokeMany(ids, plant, byOlga, core);
    expect(outcomes.map(({ id }) => id)).toEqual(ids);
    const refused = outcomes.flatMap((each) => (each.outcome === 'refused' ? [[each.id, each.code]] : []));
    expect(refused).toEqual([
      [revoked, 'already-revoked'],
      [foreign, 'not-found'],
      ['devices-1:00', 'not-found'],
    ]);
    expect(await Promise.all(records.map(({ id }) => statusOf(id)))).toEqual(records.map(() => 'revoked'));
    expect(await statusOf(foreign)).toBe('valid');
  });
});
