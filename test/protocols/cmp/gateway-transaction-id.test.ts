/** transactionIDs in use, and until when (RFC 9483 3.5, 4 and 5.1). */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCmpHandler } from '../../../protocols/cmp/index.js';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import type { CmpClient, ExchangeWish } from '../../support/cmp/client.js';
import type { CmpOutcome } from '../../support/cmp/outcome.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { authority, byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let client: CmpClient;
let manual: CmpClient;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('manual', '', 'approval: manual'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
  manual = createCmpClient(test, { label: 'manual', credential: byMac });
});
afterAll(async () => {
  client.close();
  manual.close();
  await test.close();
});

const inUse = { failInfo: 'transactionIdInUse', code: 'duplicate-transaction' } as const;
const idOf = ({ sent }: CmpOutcome) => ({ header: { transactionId: sent.transactionId ?? randomBytes(16) } });

describe('The transactionID of an operation that is under way is transactionIdInUse', () => {
  type Send = (wish: ExchangeWish) => Promise<CmpOutcome>;
  const inner = () => client.makeRequest('ir', { key: newKey(), subject: 'CN=inner' });

  it.each<[string, () => Promise<Send>]>([
    ['a genm', async () => (wish) => client.genm('caCerts', undefined, wish)],
    [
      'an rr, which revokes nothing',
      async () => {
        const { certificate, credential } = await enrolled(test);
        return (wish) => client.revoke({ certificate: certificate.raw, credential, ...wish });
      },
    ],
    ['a batch', async () => (wish) => client.nested([inner(), inner()], { credential: authority, ...wish })],
  ])('in %s', async (_what, prepare) => {
    const send = await prepare();
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    await expectRejected(test, () => send(idOf(outcome)), inUse);
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  });

  it('in an rr whose certificate is the very one of the operation', async () => {
    const { outcome, certificate, credential } = await enrolled(test);
    const send = () => client.revoke({ certificate: certificate.raw, credential, ...idOf(outcome) });
    await expectRejected(test, send, inUse);
    expect((await recordOf(test, certificate)).status).toBe('valid');
  });

  it('in a genm while the operation waits for an approval', async () => {
    const waiting = await manual.ir({ key: newKey(), subject: 'CN=waits' });
    expect(waiting.pkiStatus).toBe('waiting');
    await expectRejected(test, () => manual.genm('caCerts', undefined, idOf(waiting)), inUse);
    expect((await manual.poll(waiting)).body?.type).toBe('pollRep');
  });
});

describe('A senderNonce (RFC 9483 3.5)', () => {
  it('that is two messages old is repeated, too', async () => {
    const waiting = await manual.ir({ key: newKey(), subject: 'CN=polls' });
    const polled = await manual.poll(waiting);
    expect(polled.body?.type).toBe('pollRep');
    const old = { header: { senderNonce: waiting.sent.senderNonce ?? randomBytes(16) } };
    await expectRejected(test, () => manual.poll(polled, old), {
      failInfo: 'badSenderNonce',
      code: 'malformed-request',
    });
    expect((await manual.poll(polled)).body?.type).toBe('pollRep');
  });
});

describe('What has ended for an hour', () => {
  it('is forgotten, and nothing else is', async () => {
    const { gateway } = test;
    const handler = createCmpHandler(
      createProtocolServices(gateway.core, createServiceKeys(gateway.core), test.settings),
    );
    const { database } = gateway.core.store;
    const kept = async () =>
      (
        await database
          .tables<{ cmpTransaction: { key: string } }>()
          .list((db) => db.selectFrom('cmpTransaction').select('key'))
      ).map(({ key }) => key);
    const keyOf = ({ sent }: CmpOutcome, policy: string) =>
      `${policy}:${Buffer.from(sent.transactionId ?? []).toString('hex')}`;
    const waiting = keyOf(await manual.ir({ key: newKey(), subject: 'CN=remembered' }), 'manual');
    const ended = keyOf((await enrolled(test)).outcome, 'cmp');
    clock.advance(3599);
    const recent = keyOf((await enrolled(test)).outcome, 'cmp');
    await handler.housekeeping?.(clock.now());
    expect(await kept()).toEqual(expect.arrayContaining([waiting, ended, recent]));
    clock.advance(2);
    await handler.housekeeping?.(clock.now());
    expect(await kept()).toEqual(expect.arrayContaining([waiting, recent]));
    expect(await kept()).not.toContain(ended);
  });
});
