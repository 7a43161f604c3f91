/** Proof of possession of keys that need not sign, by a challenge (RFC 9810 5.2.8.3.3): popdecc and popdecr. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { challengeAnswers } from '../../support/cmp/bodies.js';
import { answersTo } from '../../support/cmp/challenges.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { type CmpOutcome, issuedBy, outcomeOf } from '../../support/cmp/outcome.js';
import { readMessage } from '../../support/cmp/read-message.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, enrolled } from '../../support/cmp-fleet.js';
import { type KeyUse, later, popFailure, readerKeys, startCmpReaders, version3 } from '../../support/cmp-readers.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { type KeyPair, newKey, rsaKey } from '../../support/make-csr.js';
import { countRecords } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock();
let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  test = await startCmpReaders(clock);
  client = createCmpClient(test, { label: 'readers', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

describe('challengeResp (RFC 9810 5.2.8.3.3)', () => {
  async function challenged(key: KeyPair, use: KeyUse, wish: Partial<EnrollWish> = version3): Promise<CmpOutcome> {
    return await client.ir({ key, subject: 'CN=reader', possession: later('challengeResp', use), ...wish });
  }

  it.each(readerKeys)('gives %s a number to read, and a certificate to who has read it', async (_, use, makeKey) => {
    const key = makeKey();
    const before = await countRecords(test);
    const popdecc = await challenged(key, use);
    expect(popdecc.body).toMatchObject({ type: 'popdecc', challenges: [{ challenge: Buffer.alloc(0) }] });
    expect(await countRecords(test)).toEqual(before);
    const outcome = await client.answerChallenges(popdecc, key.privateKey, version3);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted', isImplicitlyConfirmed: false });
    expect(issuedBy(outcome).publicKey.equals(key.publicKey)).toBe(true);
    expect((await client.confirm(outcome, version3)).body?.type).toBe('pkiconf');
  });

  it('of version 2 encrypts the number itself to an RSA key', async () => {
    const popdecc = await challenged(rsaKey, 'keyEncipherment', {});
    expect(popdecc.body).not.toHaveProperty('challenges.0.encryptedRand');
    const outcome = await client.answerChallenges(popdecc, rsaKey.privateKey);
    expect(outcome).toMatchObject({ body: { type: 'ip' }, pkiStatus: 'accepted' });
  });

  it('of version 2 has no way to encrypt to an EC key: badRequest', () =>
    expectRejected(test, () => challenged(newKey(), 'keyAgreement', {}), {
      body: 'ip',
      failInfo: 'badRequest',
      code: 'malformed-request',
    }));

  it('keeps the implicit confirmation that the first message asked for', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement', { implicitConfirm: true, ...version3 });
    const outcome = await client.answerChallenges(popdecc, key.privateKey, version3);
    expect(outcome.isImplicitlyConfirmed).toBe(true);
  });

  it('of an update, signed', async () => {
    const { name, credential } = await enrolled(test, { label: 'readers' });
    const key = newKey();
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await client.kur({ key, subject: `CN=${name}`, possession, credential, ...version3 });
    const outcome = await client.answerChallenges(popdecc, key.privateKey, { credential, ...version3 });
    expect(outcome.body?.type).toBe('kup');
    expect((await client.confirm(outcome, { credential, ...version3 })).body?.type).toBe('pkiconf');
  });

  it('has one attempt: after a wrong answer the right one is none', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    const wrong = challengeAnswers(Buffer.alloc(16, 7));
    const first = await expectRejected(
      test,
      () => client.exchange('popdecr', wrong, { previous: popdecc, ...version3 }),
      popFailure,
    );
    const right = challengeAnswers(...answersTo(popdecc, key.privateKey));
    await expectRejected(test, () => client.exchange('popdecr', right, { previous: first, ...version3 }), {
      failInfo: 'badRequest',
      code: 'invalid-state',
    });
  });

  it.each([
    ['none', []],
    ['two answers', [Buffer.alloc(16, 7), Buffer.alloc(16, 7)]],
  ])('takes %s for one wrong answer', async (_, numbers) => {
    const popdecc = await challenged(newKey(), 'keyAgreement');
    const content = challengeAnswers(...numbers);
    await expectRejected(
      test,
      () => client.exchange('popdecr', content, { previous: popdecc, ...version3 }),
      popFailure,
    );
  });

  it('is to be answered in time', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    clock.advance(61);
    await expectRejected(test, () => client.answerChallenges(popdecc, key.privateKey, version3), {
      failInfo: 'badRequest',
      code: 'invalid-state',
      says: 'in time',
    });
  });

  it('is answered once: a second popdecr finds nothing that waits for it', async () => {
    const key = newKey();
    const popdecc = await challenged(key, 'keyAgreement');
    const right = challengeAnswers(...answersTo(popdecc, key.privateKey));
    const outcome = await client.exchange('popdecr', right, { previous: popdecc, ...version3 });
    expect(outcome.body?.type).toBe('ip');
    await expectRejected(test, () => client.exchange('popdecr', right, { previous: outcome, ...version3 }), {
      failInfo: 'badRequest',
      code: 'invalid-state',
    });
  });

  it('is for who began the operation alone', async () => {
    const key = newKey();
    const { credential } = await enrolled(test, { label: 'readers' });
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await client.cr({ key, possession, credential, ...version3 });
    const other = await enrolled(test, { label: 'readers' });
    await expectRejected(
      test,
      () => client.answerChallenges(popdecc, key.privateKey, { credential: other.credential, ...version3 }),
      { failInfo: 'badRequest', code: 'forbidden' },
    );
    await expectRejected(test, () => client.answerChallenges(popdecc, key.privateKey, version3), {
      failInfo: 'wrongIntegrity',
      code: 'forbidden',
    });
  });

  it('answers a repeated request by the same number', async () => {
    const key = newKey();
    const sent = client.makeRequest('ir', { key, possession: later('challengeResp', 'keyAgreement'), ...version3 });
    const numbers: Uint8Array[][] = [];
    for (let i = 0; i < 2; i++) {
      const answer = await client.send(sent.der);
      const message = readMessage(answer.body);
      numbers.push(answersTo(outcomeOf({ sent, earlier: [], certReqId: 0, answer, message }), key.privateKey));
    }
    expect(numbers[1]).toEqual(numbers[0]);
  });

  it('gives two copies of a request the same number', async () => {
    const key = newKey();
    const sent = client.makeRequest('ir', { key, possession: later('challengeResp', 'keyAgreement'), ...version3 });
    const answers = await Promise.all([client.send(sent.der), client.send(sent.der)]);
    const [first, second] = answers.map((answer) => {
      const message = readMessage(answer.body);
      return answersTo(outcomeOf({ sent, earlier: [], certReqId: 0, answer, message }), key.privateKey);
    });
    expect(second).toEqual(first);
  });

  it('ends with the refusal of what was asked for', async () => {
    const picky = createCmpClient(test, { label: 'picky', credential: byMac });
    await picky.issue('ir', { key: newKey(), subject: 'CN=only one' });
    const key = newKey();
    const possession = later('challengeResp', 'keyAgreement');
    const popdecc = await picky.ir({ key, subject: 'CN=second', possession, ...version3 });
    const refused = await expectRejected(test, () => picky.answerChallenges(popdecc, key.privateKey, version3), {
      body: 'ip',
      failInfo: 'notAuthorized',
      code: 'forbidden',
    });
    await expectRejected(test, () => picky.confirm(refused, { statuses: [], ...version3 }), {
      failInfo: 'certConfirmed',
      code: 'already-confirmed',
    });
    picky.close();
  });
});
