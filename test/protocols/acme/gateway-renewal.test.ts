/** Renewal information of a real gateway (RFC 9773): the window, plans of the operator, and orders that replace. */
import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { planReplacement } from '../../../src/enrollment/plan-replacement.js';
import { revokeReplaced } from '../../../src/enrollment/revoke-replaced.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { type Issued, issue } from '../../support/acme/flow.js';
import { readOrder, readRenewalInfo } from '../../support/acme/objects.js';
import { renewalName } from '../../support/acme/renewal-name.js';
import { type AcmeFleet, acmePolicy, startAcmeFleet } from '../../support/acme-fleet.js';
import { expectProblem } from '../../support/acme-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { operator } from '../../support/operator.js';
import { recordOf } from '../../support/records.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';

const name = 'pump-1.plant.example';
const day = daySeconds * 1000;

const clock = createTestClock();
let fleet: AcmeFleet;
let client: AcmeClient;

beforeAll(async () => {
  fleet = await startAcmeFleet({ clock });
});
afterAll(() => fleet.close());

async function issued(): Promise<Issued> {
  client = await fleet.clientWithAccount('bound', { isRealTime: false });
  return await issue(client, { identifiers: [name] });
}

async function windowOf(certificate: X509Certificate) {
  const { suggestedWindow, explanationURL } = readRenewalInfo(await client.renewalInfo(renewalName(certificate)));
  return { start: Date.parse(suggestedWindow.start), end: Date.parse(suggestedWindow.end), explanationURL };
}

async function plan(certificate: X509Certificate, by?: Date): Promise<void> {
  const { id } = await recordOf(fleet.test, certificate);
  const when = by === undefined ? {} : { by, explanationUrl: 'https://plant.example/move' };
  await planReplacement({ selection: { id }, actor: operator('alice'), ...when }, fleet.test.gateway.core);
}

describe('Renewal information (RFC 9773)', () => {
  it('has a window of days in the last third of the lifetime, for anybody, and when to ask again', async () => {
    const { certificate } = await issued();
    const answer = await fleet.client('bound').renewalInfo(renewalName(certificate));
    expect(answer.status).toBe(200);
    expect(answer.retryAfter).toBe(21_600);
    const { start, end } = await windowOf(certificate);
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    expect(start).toBeGreaterThanOrEqual(from + (to - from) / 2);
    expect(end).toBeLessThan(to);
    expect(end - start).toBeGreaterThanOrEqual(day);
  });

  it('moves to now with a plan to replace the certificate, and back when that is cancelled', async () => {
    const { certificate } = await issued();
    const usual = await windowOf(certificate);
    const by = new Date(clock.now().getTime() + 2 * day);
    await plan(certificate, by);
    const planned = await windowOf(certificate);
    expect(planned.start).toBeLessThanOrEqual(clock.now().getTime());
    expect(planned).toMatchObject({ end: by.getTime(), explanationURL: 'https://plant.example/move' });
    await plan(certificate);
    expect(await windowOf(certificate)).toEqual(usual);
  });

  it('is in the past for what was revoked', async () => {
    const { certificate } = await issued();
    expect((await client.revoke(certificate)).status).toBe(200);
    expect((await windowOf(certificate)).end).toBeLessThanOrEqual(clock.now().getTime());
  });

  it.each<[string, (name: string) => string, number]>([
    ['a serial number that is not known', (known) => `${known.split('.')[0]}.AQIDBA`, 404],
    ['an authority that is not known', (known) => `AAAAAAAAAAAAAAAAAAAAAAAAAAA.${known.split('.')[1]}`, 404],
    ['no dot', (known) => known.replace('.', ''), 400],
    ['padding', (known) => `${known}=`, 400],
    ['another text of the same octets', (known) => known.replace('.', '.AA'), 400],
    ['too much', () => `${'A'.repeat(3000)}.AQ`, 400],
  ])('is refused for %s', async (_, change, status) => {
    const { certificate } = await issued();
    const code = status === 404 ? 'unknown-certificate' : 'malformed-request';
    const ask = () => client.renewalInfo(change(renewalName(certificate)));
    await expectProblem(fleet, ask, { status, type: 'malformed', code });
  });
});

describe('An order that replaces a certificate (RFC 9773 5)', () => {
  it('has it revoked when the time of the policy is over (revokeReplaced); any other order leaves it alone', async () => {
    const acme = [fleet.validation, 'authorization: externalAccount'];
    await applyYaml(fleet.test, acmePolicy('bound', acme, 'revokeReplaced: { after: 1d }'));
    const { certificate } = await issued();
    const other = await issue(client, { identifiers: [name] });
    const successor = await issue(client, { identifiers: [name], order: { replaces: renewalName(certificate) } });
    clock.advance(daySeconds);
    const { core } = fleet.test.gateway;
    await revokeReplaced(core);
    const certificates = [successor.certificate, other.certificate, certificate];
    const items = await Promise.all(certificates.map((each) => recordOf(fleet.test, each)));
    expect(items.map(({ status, revocationReason }) => [status, revocationReason])).toEqual([
      ['valid', null],
      ['valid', null],
      ['revoked', 4],
    ]);
    expect(items[0]?.replaces).toBe(items[2]?.id);
    await applyYaml(fleet.test, acmePolicy('bound', acme));
  });

  it('says so, is one at a time, and may be followed by one for its own certificate', async () => {
    const { certificate } = await issued();
    const replaces = renewalName(certificate);
    const successor = await issue(client, { identifiers: [name], order: { replaces } });
    expect(successor.order.replaces).toBe(replaces);
    const { id } = await recordOf(fleet.test, certificate);
    expect(await recordOf(fleet.test, successor.certificate)).toMatchObject({ replaces: id });
    const taken = { status: 409, type: 'alreadyReplaced', code: 'duplicate-request' } as const;
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name], replaces }), taken);
    const next = await client.newOrder({ identifiers: [name], replaces: renewalName(successor.certificate) });
    expect(readOrder(next).status).toBe('ready');
  });

  it('is one of ten that come at once', async () => {
    const { certificate } = await issued();
    const wish = { identifiers: [name], replaces: renewalName(certificate) };
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.newOrder(wish)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });

  it('leaves room for another one when it has expired', async () => {
    const { certificate } = await issued();
    const wish = { identifiers: [name], replaces: renewalName(certificate) };
    expect((await client.newOrder(wish)).status).toBe(201);
    clock.advance(7 * daySeconds);
    expect((await client.newOrder(wish)).status).toBe(201);
  });

  it('is refused for the certificate of another account, for other names and for what is no certificate', async () => {
    const { certificate } = await issued();
    const replaces = renewalName(certificate);
    const malformed = { status: 400, type: 'malformed', code: 'malformed-request' } as const;
    await expectProblem(fleet, () => client.newOrder({ identifiers: ['x.example'], replaces }), malformed);
    await expectProblem(fleet, () => client.newOrder({ identifiers: [name], replaces: 'no name' }), malformed);
    const stranger = await fleet.clientWithAccount('bound', { isRealTime: false });
    const foreign = { status: 403, type: 'unauthorized', code: 'forbidden' } as const;
    await expectProblem(fleet, () => stranger.newOrder({ identifiers: [name], replaces }), foreign);
  });
});
