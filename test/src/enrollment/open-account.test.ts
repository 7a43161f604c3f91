/** Opening accounts (RFC 8555 7.3), and the external accounts that they are bound to (7.3.4). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAccountStore } from '../../../protocols/acme/store/accounts.js';
import { describePolicy } from '../../../src/enrollment/policy-view.js';
import { findTarget } from '../../../src/enrollment/target.js';
import { createIdentifier } from '../../../src/identifier.js';
import { applyYaml } from '../../support/fleet.js';
import { eventOf, eventsOf } from '../../support/records.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';
import {
  accountKey,
  acmePolicy,
  authenticationPolicy,
  binding,
  credentialId,
  open,
  remoteAddress,
  revokeCredential,
  startAcmeFleet,
  usesOf,
} from './acme-conversation.js';

const clock = createTestClock();
let test: TestGateway;

beforeAll(async () => {
  test = await startAcmeFleet(clock);
  await applyYaml(test, authenticationPolicy([accountKey('three', 'usageLimit: 3'), accountKey('revoked')]));
  const own = `{ name: secret, division: plant, require: secret, credentials: [${accountKey('own')}] }`;
  await applyYaml(
    test,
    `authenticationPolicies:\n  - ${own}\n${acmePolicy('secret', 'challenges', 'authenticationPolicy: secret')}`,
  );
  await revokeCredential(test, 'revoked');
});
afterAll(() => test.close());

const refused = (code: string, says = '') => expect.objectContaining({ code, message: expect.stringContaining(says) });

async function find(id: string, policy: string) {
  return await createAccountStore(test.gateway.core.store.database).findById({ id, policy });
}

/** The refusal of an opening, which has an event and leaves no account. */
async function refusal(label: string, changes: Parameters<typeof open>[2] = {}): Promise<unknown> {
  const account = createIdentifier();
  const requestId = createIdentifier();
  const error: unknown = await open(test, label, { account, requestId, ...changes }).then(
    () => 'not refused',
    (reason) => reason,
  );
  expect(await find(account, label)).toBeUndefined();
  expect(await eventOf(test, { requestId })).toMatchObject({
    action: 'request.refused',
    operation: 'newAccount',
    protocol: 'acme',
    remoteAddress: changes.remoteAddress ?? remoteAddress,
  });
  return error;
}

describe('What clients are told of a policy (RFC 8555 7.3.4)', () => {
  it.each([
    ['challenges', false],
    ['external', true],
    ['both', true],
    ['secret', true],
  ])('is whether accounts need an external one: %s, %s', (label, isWanted) => {
    const { resolved } = findTarget(test.gateway.core.catalog(), label);
    expect(describePolicy(resolved).needsExternalAccount).toBe(isWanted);
  });
});

const mayNot = { remoteAddress: '203.0.113.1' };

describe('An account without an external one', () => {
  it('is opened where the policy wants none, with an event that tells of it', async () => {
    const { id, requestId, externalAccount } = await open(test, 'challenges');
    expect(externalAccount).toBeUndefined();
    expect(await find(id, 'challenges')).toMatchObject({ id, status: 'valid', externalAccount: null });
    const event = await eventOf(test, { requestId });
    expect(event).toMatchObject({
      action: 'account.opened',
      outcome: 'success',
      subject: id,
      protocol: 'acme',
      policy: 'challenges',
      remoteAddress,
      key: 'thumbprint',
      contacts: ['mailto:admin@example.com'],
    });
    expect(event).not.toHaveProperty('externalAccount');
  });

  it.each([
    ['external', 'bad-secret', 'this policy needs an external account binding; ask its operator for a key id and key'],
    ['both', 'bad-secret', 'needs an external account binding'],
    ['secret', 'bad-secret', 'needs an external account binding'],
    ['fleet', 'forbidden', 'is not open to acme'],
    ['nowhere', 'not-found', 'no policy has this label'],
  ])('is none of policy %s', async (label, code, says) => {
    expect(await refusal(label)).toEqual(refused(code, says));
  });
});

describe('An account with an external one', () => {
  it.each(['challenges', 'external', 'both'])('is bound to it, and uses it once: policy %s', async (label) => {
    const uses = (await usesOf(test, 'many')) ?? 0;
    const { id, requestId, externalAccount } = await open(test, label, { binding: binding('many') });
    expect(externalAccount).toBe(await credentialId(test, 'many'));
    expect(await find(id, label)).toMatchObject({ externalAccount });
    expect(await usesOf(test, 'many')).toBe(uses + 1);
    expect(await eventOf(test, { requestId })).toMatchObject({ action: 'account.opened', externalAccount: 'many' });
  });

  it('meets a demand for a secret', async () => {
    const { id, externalAccount } = await open(test, 'secret', { binding: binding('own') });
    expect(await find(id, 'secret')).toMatchObject({ externalAccount });
  });

  it('is refused alike with an unknown key id, another key and what may not be used, after the same work', async () => {
    const says = 'the key id or key of the external account is wrong, expired or not allowed from this address';
    const asked: string[] = [];
    clock.advance(7200);
    for (const [keyId, key] of [
      ['unknown', undefined],
      ['many', 'QW5vdGhlciBrZXkgb2YgdGhlIHNhbWUgbGVuZ3Ro'],
      ['revoked', undefined],
      ['expiring', undefined],
      ['elsewhere', undefined],
      // In hex, as other secrets are looked up by.
      ['6d616e79', undefined],
      // Of another kind of credential, which CMP's messages name so.
      ['code', undefined],
      ['', undefined],
    ] as const) {
      const known = key === undefined ? binding(keyId) : binding(keyId, key);
      const verify = (secret: Uint8Array) => {
        asked.push(keyId);
        return known.verify(secret);
      };
      for (const label of ['challenges', 'both']) {
        const error = await refusal(label, { ...mayNot, binding: { ...known, verify } });
        expect(error).toMatchObject({ code: 'bad-secret', message: says });
      }
    }
    expect(asked).toHaveLength(16);
    await open(test, 'both', { binding: binding('elsewhere'), remoteAddress: '198.51.100.1' });
  });

  it('is looked for among external accounts, whatever the binding calls itself', async () => {
    const { secretKind: _none, ...unnamed } = binding('many');
    await open(test, 'both', { binding: unnamed });
    // A CMP secret of another policy's messages, by its reference.
    expect(await refusal('both', { binding: { ...binding('fleet'), reference: Buffer.from('fleet') } })).toEqual(
      refused('bad-secret'),
    );
  });

  it('cannot be guessed at any rate', async () => {
    const { failuresPerMinute } = test.gateway.core;
    const from = { remoteAddress: '203.0.113.5' };
    for (let i = 0; i < failuresPerMinute; i++) {
      await expect(open(test, 'both', { ...from, binding: binding(`guess ${i}`) })).rejects.toEqual(
        refused('bad-secret'),
      );
    }
    await expect(open(test, 'both', { ...from, binding: binding('many') })).rejects.toEqual(refused('rate-limited'));
    // Who shows nothing guesses nothing.
    await open(test, 'challenges', from);
    clock.advance(61);
    await open(test, 'both', { ...from, binding: binding('many') });
  });

  it('is opened once with one for one, in parallel', async () => {
    const before = await eventsOf(test, 'account.opened');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, () => open(test, 'both', { binding: binding('once') })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toEqual(refused('bad-secret', 'ask the operator for a new one'));
    }
    expect(await usesOf(test, 'once')).toBe(1);
    expect(await eventsOf(test, 'account.opened')).toHaveLength(before.length + 1);
    expect(await refusal('both', { binding: binding('once') })).toEqual(
      refused('bad-secret', 'as many accounts as it may open have been opened'),
    );
  });

  it('is opened as often as that may be used', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => open(test, 'both', { binding: binding('three') })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  it('stands or falls with what the protocol keeps of it: a repeat finds the first, and uses nothing', async () => {
    const { id } = await open(test, 'both', { binding: binding('many') });
    const uses = await usesOf(test, 'many');
    await expect(open(test, 'both', { account: id, binding: binding('many') })).rejects.toEqual(
      refused('duplicate-request'),
    );
    expect(await usesOf(test, 'many')).toBe(uses);
    const opened = await eventsOf(test, 'account.opened');
    expect(opened.filter(({ subject }) => subject === id)).toHaveLength(1);
  });

  it('finds itself before it finds its external account used up, where its repeat comes at the same time', async () => {
    await applyYaml(test, authenticationPolicy([accountKey('single', 'usageLimit: 1')]));
    const account = createIdentifier();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => open(test, 'both', { account, binding: binding('single') })),
    );
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'opened'));
    expect(codes.sort()).toEqual([...Array.from({ length: 9 }, () => 'duplicate-request'), 'opened']);
  });
});
