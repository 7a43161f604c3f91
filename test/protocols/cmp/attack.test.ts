/** What strangers, and devices against others, try with messages that they have made, changed or captured. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sequence } from '../../../src/x509/der-writer.js';
import { certStatus } from '../../support/cmp/bodies.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { type MacWish, macIdentifier } from '../../support/cmp/macs.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import type { CmpMessage } from '../../support/cmp/read-message.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, signedBy, startCmpFleet, vendor } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import type { Answer } from '../../support/est-client.js';
import { applyYaml } from '../../support/fleet.js';
import { newKey } from '../../support/make-csr.js';
import { countRecords, eventOf, recordOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, cmpPolicy('other'));
  client = createCmpClient(test, { label: 'cmp', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

/** The certificate of an answer, hex; or why there is none. */
function said({ status, body }: Answer): string {
  if (status !== 200) return `HTTP ${status}`;
  const { body: content } = readMessage(body);
  if ('responses' in content) {
    const [response] = content.responses;
    return response?.certificate?.raw.toString('hex') ?? response?.status.failInfo.join(' ') ?? 'nothing';
  }
  return content.type === 'error' ? content.status.failInfo.join(' ') : content.type;
}

const replay = (message: CmpMessage | { readonly der: Uint8Array }) => client.send(message.der);

describe('A message that comes again, octet by octet', () => {
  it('gets the same certificate, and the nonce that goes with its certConf, as long as nothing is confirmed', async () => {
    const message = client.makeRequest('ir', { key: newKey(), subject: 'CN=again' });
    const first = await replay(message);
    const before = await countRecords(test);
    const second = await replay(message);
    expect(said(first)).toHaveLength(Math.max(said(first).length, 400));
    expect(said(second)).toBe(said(first));
    expect(readMessage(second.body).header.senderNonce).toEqual(readMessage(first.body).header.senderNonce);
    expect(await countRecords(test)).toEqual(before);
    const { header, body } = readMessage(second.body);
    const certificate = 'responses' in body ? body.responses[0]?.certificate : undefined;
    const content = sequence(certStatus(certificate?.raw ?? Buffer.alloc(0)));
    const fields = {
      transactionId: header.transactionId ?? Buffer.alloc(0),
      recipNonce: header.senderNonce ?? Buffer.alloc(0),
    };
    expect(said(await replay(client.make('certConf', content, { header: fields })))).toBe('pkiconf');
  });

  it('gets transactionIdInUse when its certificate is confirmed, and nothing happens', async () => {
    const { outcome } = await enrolled(test);
    const before = await countRecords(test);
    expect(said(await replay(outcome.sent))).toBe('transactionIdInUse');
    expect(await countRecords(test)).toEqual(before);
  });

  it('gets the same certificate where it was confirmed implicitly', async () => {
    const { outcome } = await enrolled(test, { implicitConfirm: true });
    const before = await countRecords(test);
    expect(said(await replay(outcome.sent))).toBe(outcome.certificate?.raw.toString('hex'));
    expect(await countRecords(test)).toEqual(before);
  });

  it('is stale when its operation is forgotten', async () => {
    const { outcome } = await enrolled(test);
    clock.advance(3601);
    const before = await countRecords(test);
    expect(said(await replay(outcome.sent))).toBe('badTime');
    expect(await countRecords(test)).toEqual(before);
  });

  it('gets nothing at another policy but what it would get there', async () => {
    const { outcome } = await enrolled(test);
    const other = createCmpClient(test, { label: 'other', credential: byMac });
    const before = await countRecords(test);
    expect(said(await other.send(outcome.sent.der))).toBe('badCertTemplate');
    expect(await countRecords(test)).toEqual(before);
    other.close();
  });

  it('that was a refusal is refused again, and may be put right with the same transactionID', async () => {
    const transactionId = randomBytes(16);
    const wish = { key: newKey(), subject: 'CN=put-right', header: { transactionId } };
    const refused = await client.ir({ ...wish, possession: { kind: 'signature', isDamaged: true } });
    expect(refused.failInfo).toEqual(['badPOP']);
    expect(said(await replay(refused.sent))).toBe('badPOP');
    expect((await client.ir({ ...wish, header: { transactionId } })).pkiStatus).toBe('accepted');
  });

  it('and was an rr, is not carried out again', async () => {
    const device = await enrolled(test);
    const outcome = await client.revoke({ certificate: device.certificate.raw, credential: device.credential });
    expect(outcome.pkiStatus).toBe('accepted');
    const { body } = readMessage((await replay(outcome.sent)).body);
    expect(body).toMatchObject({ type: 'error', status: { status: 'rejection', failInfo: ['transactionIdInUse'] } });
  });
});

describe('The transactionID of another one', () => {
  it('is transactionIdInUse in another request of the same requester', async () => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    const transactionId = outcome.sent.transactionId ?? randomBytes(16);
    const send = () => client.ir({ key: newKey(), subject: 'CN=other', header: { transactionId } });
    await expectRejected(test, send, { failInfo: 'transactionIdInUse', code: 'duplicate-transaction' });
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  });

  it('is of no use to another requester: no certificate, and no confirmation', async () => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    const transactionId = outcome.sent.transactionId ?? randomBytes(16);
    const credential = signedBy(vendor.device('O=Vendor,CN=thief'));
    const send = () => client.ir({ key: newKey(), subject: 'CN=thief', credential, header: { transactionId } });
    await expectRejected(test, send, { failInfo: 'transactionIdInUse', code: 'duplicate-transaction' });
    await expectRejected(test, () => client.confirm(outcome, { credential }), {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
    });
    expect((await recordOf(test, outcome.certificate ?? fail())).confirmBy).not.toBeNull();
    expect((await client.confirm(outcome)).body).toEqual({ type: 'pkiconf' });
  });

  it('is free at another policy', async () => {
    const { outcome } = await enrolled(test);
    const transactionId = outcome.sent.transactionId ?? randomBytes(16);
    const other = createCmpClient(test, { label: 'other', credential: byMac });
    const elsewhere = await other.ir({ key: newKey(), subject: 'CN=elsewhere', header: { transactionId } });
    expect(elsewhere.pkiStatus).toBe('accepted');
    other.close();
  });
});

function fail(): never {
  throw new Error('no certificate');
}

describe('Fifty at the same time', () => {
  const fifty = Array.from({ length: 50 }, (_, i) => i);

  it.each<[string, CmpCredential]>([
    ['MAC', byMac],
    ['signature', signedBy(vendor.device('O=Vendor,CN=hasty'))],
  ])('of the very same ir with a %s get one certificate', async (kind, credential) => {
    const message = client.makeRequest('ir', { key: newKey(), subject: `CN=fifty-${kind}`, credential });
    const before = await countRecords(test);
    const answers = await Promise.all(fifty.map(() => replay(message)));
    expect([...new Set(answers.map(said))]).toEqual([expect.stringMatching(/^30[0-9a-f]{400}/)]);
    const after = await countRecords(test);
    expect([after.certificates, after.devices]).toEqual([before.certificates + 1, before.devices + 1]);
  });

  it('with one transactionID, but different keys, get one certificate', async () => {
    const transactionId = randomBytes(16);
    const before = await countRecords(test);
    const outcomes = await Promise.all(
      fifty.map((i) => client.ir({ key: newKey(), subject: `CN=one-id-${i}`, header: { transactionId } })),
    );
    const refused = outcomes.filter(({ pkiStatus }) => pkiStatus !== 'accepted');
    expect(refused).toHaveLength(49);
    expect(new Set(refused.map(({ failInfo }) => failInfo.join()))).toEqual(new Set(['transactionIdInUse']));
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
  });

  it('with one key get one certificate', async () => {
    const key = newKey();
    const before = await countRecords(test);
    const outcomes = await Promise.all(fifty.map(() => client.ir({ key, subject: 'CN=one-key' })));
    const refused = outcomes.filter(({ pkiStatus }) => pkiStatus !== 'accepted');
    expect(refused).toHaveLength(49);
    expect(new Set(refused.map(({ failInfo }) => failInfo.join()))).toEqual(new Set(['badCertTemplate']));
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
  });

  it('with a secret for one use get one certificate', async () => {
    await applyYaml(
      test,
      'authenticationPolicies: [{ name: fleet, division: plant, credentials: [{ kind: cmp-secret, name: once, reference: once, secret: only-for-once, usageLimit: 1 }] }]',
    );
    const credential = { kind: 'mac', reference: 'once', secret: 'only-for-once' } as const;
    const before = await countRecords(test);
    const wish = (i: number): EnrollWish => ({ key: newKey(), subject: `CN=once-${i}`, credential });
    const outcomes = await Promise.all(fifty.map((i) => client.ir({ ...wish(i), unchecked: ['protectionKind'] })));
    const refused = outcomes.filter(({ pkiStatus }) => pkiStatus !== 'accepted');
    expect(refused).toHaveLength(49);
    expect(new Set(refused.map(({ failInfo }) => failInfo.join()))).toEqual(new Set(['badMessageCheck']));
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
    const [winner] = outcomes.filter(({ pkiStatus }) => pkiStatus === 'accepted');
    expect((await client.confirm(winner ?? fail(), { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it('kurs of one certificate get one successor', async () => {
    const device = await enrolled(test);
    const before = await countRecords(test);
    const wish = () => ({ key: newKey(), subject: `CN=${device.name}`, credential: device.credential });
    const outcomes = await Promise.all(fifty.map(() => client.kur(wish())));
    const refused = outcomes.filter(({ pkiStatus }) => pkiStatus !== 'accepted');
    expect(refused).toHaveLength(49);
    expect(new Set(refused.map(({ failInfo }) => failInfo.join()))).toEqual(new Set(['badRequest']));
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
  });

  it('certConfs, half of which reject, have one outcome', async () => {
    const { outcome } = await enrolled(test, { isLeftUnconfirmed: true });
    const answers = await Promise.all(
      fifty.map((i) => client.confirm(outcome, i % 2 === 0 ? {} : { status: { status: 'rejection' } })),
    );
    expect(answers.filter(({ body }) => body?.type === 'pkiconf')).toHaveLength(1);
    const losers = answers.filter(({ body }) => body?.type !== 'pkiconf');
    for (const { failInfo } of losers) expect(failInfo).toHaveLength(1);
    const [winner] = answers.filter(({ body }) => body?.type === 'pkiconf');
    const { status } = await recordOf(test, outcome.certificate ?? fail());
    const event = await eventOf(test, (winner ?? fail()).answer);
    expect(event).toMatchObject({ action: status === 'valid' ? 'certificate.confirmed' : 'certificate.rejected' });
  });
});

describe('What costs the gateway more than the attacker', () => {
  /** How often the event loop came round meanwhile. */
  async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns++;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    await work();
    isOver = true;
    return turns;
  }

  it.each<[string, MacWish]>([
    ['PBM', { type: 'pbm', iterations: 100_000 }],
    ['PBM with SHA3-512', { type: 'pbm', iterations: 100_000, oneWay: 'sha3-512' }],
    ['PBMAC1', { type: 'pbmac1', iterations: 100_000 }],
  ])('%s with as many iterations as are taken, from strangers, does not hold the event loop', async (_name, wish) => {
    const makeBad = () =>
      client.makeRequest('ir', {
        key: newKey(),
        header: { protectionAlg: macIdentifier(wish) },
        protection: randomBytes(32),
      });
    const messages = Array.from({ length: 8 }, makeBad);
    const before = await countRecords(test);
    let answers: readonly Answer[] = [];
    const turns = await turnsDuring(async () => {
      answers = await Promise.all(messages.map(replay));
    });
    expect(new Set(answers.map(said))).toEqual(new Set(['badMessageCheck']));
    expect(await countRecords(test)).toEqual(before);
    // A derivation lets others go first every thousand iterations, or is on another thread.
    expect(turns).toBeGreaterThan(100);
  });

  it('with an unknown reference costs as much as with a known one, so that references cannot be guessed by it', async () => {
    const wish: MacWish = { type: 'pbm', iterations: 50_000 };
    const costOf = async (credential: CmpCredential) => {
      const costs: number[] = [];
      for (let i = 0; i < 5; i++) {
        const header = { protectionAlg: macIdentifier(wish) };
        const message = client.makeRequest('ir', { key: newKey(), credential, header, protection: randomBytes(32) });
        costs.push(await cpuTimeOf(() => replay(message)));
      }
      return costs.sort((a, b) => a - b)[2] ?? 0;
    };
    const known = await costOf(byMac);
    const unknown = await costOf({ ...byMac, reference: 'nobody' });
    expect(unknown / known).toBeGreaterThan(0.4);
    expect(unknown / known).toBeLessThan(2.5);
  });

  it('is counted by its cost, and before it is verified; what fits is taken back', async () => {
    const strict = await startCmpFleet({ clock, failedAuthenticationsPerMinute: 50 });
    const algorithm: MacWish = { type: 'pbm', iterations: 100_000 };
    const wishes = { label: 'cmp', credential: { ...byMac, algorithm } } as const;
    const [device, stranger] = [createCmpClient(strict, wishes), createCmpClient(strict, wishes)];
    for (let i = 0; i < 4; i++) expect((await device.genm('caCerts')).body?.type).toBe('genp');
    const makeBad = (bodyType: 'ir' | 'rr') =>
      stranger.make(bodyType, sequence(), {
        header: { protectionAlg: macIdentifier(algorithm) },
        protection: randomBytes(32),
      });
    const bad = Array.from({ length: 12 }, (_, i) => makeBad(i % 2 === 0 ? 'ir' : 'rr'));
    const answers = await Promise.all(bad.map(({ der }) => stranger.send(der)));
    const codes = await Promise.all(answers.map(async (answer) => (await eventOf(strict, answer))?.code));
    // Of 200 milliseconds each, and 21 failures' worth.
    expect(codes.filter((code) => code === 'bad-secret')).toHaveLength(3);
    expect(codes.filter((code) => code === 'rate-limited')).toHaveLength(9);
    device.close();
    stranger.close();
    await strict.close();
  });

  it('has a limit of failures for each address in a minute', async () => {
    const strict = await startCmpFleet({ clock, failedAuthenticationsPerMinute: 5 });
    const stranger = createCmpClient(strict, {
      label: 'cmp',
      credential: { ...byMac, secret: 'wrong secret' },
      unchecked: ['protectionKind'],
    });
    const seen: string[] = [];
    for (let i = 0; i < 8; i++) seen.push((await stranger.ir({ key: newKey() })).failInfo.join());
    expect(new Set(seen.slice(0, 5))).toEqual(new Set(['badMessageCheck']));
    expect(seen.at(-1)).toBe('systemUnavail');
    stranger.close();
    await strict.close();
  });
});
