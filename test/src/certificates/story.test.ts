import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { issueCertificate } from '../../../src/certificates/issue.js';
import { revokeOne } from '../../../src/certificates/revocations.js';
import { certificateStory, requestStory, storyEventJson } from '../../../src/certificates/story.js';
import { approveRequest, rejectRequest } from '../../../src/enrollment/approve.js';
import { csrFor, startOperatedFleet, waiting } from '../../support/operated-fleet.js';
import { by, operator } from '../../support/operator.js';
import { daySeconds, type TestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let clock: TestClock;

beforeAll(async () => {
  ({ test, clock } = await startOperatedFleet());
});
afterAll(() => test.close());

describe('the story of a certificate', () => {
  it('begins with its request, and goes by the people who approved it to its end', async () => {
    const { core } = test.gateway;
    const id = await waiting(test, { policy: 'twice', name: 'pump-1' });
    await approveRequest(id, by('anna', 'known to the plant'), core);
    await approveRequest(id, by('bert'), core);
    const [record] = await core.store.certificates.search({
      conditions: { subject: 'CN=pump-1' },
      order: { by: 'issuedAt', descending: true },
      limit: 1,
    });
    if (record === undefined) throw new Error('there is no certificate');
    await revokeOne(record.id, 'everywhere', { reason: 'superseded', actor: operator('carl') }, core);
    const story = (await certificateStory(record, core)).map(storyEventJson);
    expect(story).toMatchObject([
      {
        action: 'request.pending',
        id,
        requester: { id: 'operator:olga' },
        trace: expect.arrayContaining([expect.objectContaining({ rule: 'approval', outcome: 'pending' })]),
      },
      { action: 'request.approval', actor: 'anna', comment: 'known to the plant', of: 2 },
      { action: 'request.approved', actor: 'bert', certificate: record.id },
      { action: 'certificate.issued', subject: record.id, requestId: id },
      { action: 'certificate.revoked', actor: 'carl', reason: 'superseded' },
    ]);
    // The request's is the same, also when its answer is not kept any more.
    const actions = story.map(({ action }) => action);
    const transaction = await core.store.enrollmentTransactions.findByRequestId({ requestId: id });
    const ofRequest = async (kept: typeof transaction) =>
      (await requestStory(id, kept, core)).map((event) => storyEventJson(event).action);
    expect(await ofRequest(transaction)).toEqual(actions);
    expect(await ofRequest(undefined)).toEqual(actions);
  });

  it('of one that was issued at once has its request as well', async () => {
    const { core } = test.gateway;
    const result = await issueCertificate(
      {
        label: 'plant',
        key: { kind: 'csr', csr: csrFor({}) },
        scope: 'everywhere',
        actor: operator('olga'),
        methods: ['portal'],
      },
      core,
    );
    if (result.outcome === 'pending') throw new Error('the request waits');
    const story = (await certificateStory(result.record, core)).map(storyEventJson);
    expect(story).toMatchObject([{ action: 'certificate.issued', subject: result.record.id }]);
  });
});

describe('two people', () => {
  it('are two others than the one who asks', async () => {
    const { core } = test.gateway;
    const id = await waiting(test, { policy: 'twice', by: 'olga' });
    await expect(approveRequest(id, by('olga'), core)).rejects.toMatchObject({ code: 'forbidden' });
    await approveRequest(id, by('anna'), core);
    await expect(approveRequest(id, by('olga'), core)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(approveRequest(id, by('anna'), core)).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await approveRequest(id, by('bert'), core)).toMatchObject({ outcome: 'issued' });
    const refused = (await requestStory(id, undefined, core))
      .map(storyEventJson)
      .filter(({ outcome }) => outcome === 'refused');
    expect(refused).toMatchObject([
      { action: 'request.approval', actor: 'olga', code: 'forbidden' },
      { action: 'request.approval', actor: 'olga', code: 'forbidden' },
    ]);
  });

  it('are not one, by whatever name', async () => {
    const { core } = test.gateway;
    const id = await waiting(test, { policy: 'twice' });
    const named = (name: string) => ({ actor: { name, person: 'user:1' } });
    await approveRequest(id, named('user anna'), core);
    await expect(approveRequest(id, named('API key of anna'), core)).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('who approve at the same time, count once each', async () => {
    const { core } = test.gateway;
    const id = await waiting(test, { policy: 'twice' });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => approveRequest(id, by('anna'), core)));
    const outcomes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.outcome] : []));
    expect(outcomes).toEqual(['waiting']);
    expect(await core.store.enrollmentTransactions.approvals({ requestId: id })).toHaveLength(1);
  });
});

describe('one person', () => {
  it('may approve what it has asked for itself, where the policy wants no second one', async () => {
    const id = await waiting(test, { policy: 'manual', by: 'olga' });
    expect(await approveRequest(id, by('olga'), test.gateway.core)).toMatchObject({ outcome: 'issued' });
  });

  it('approves or rejects: of fifty that do one of both at the same time one does', async () => {
    const { core } = test.gateway;
    const id = await waiting(test, { policy: 'manual' });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) =>
        i % 2 === 0 ? approveRequest(id, by(`anna-${i}`), core) : rejectRequest(id, by(`bert-${i}`, 'not ours'), core),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('comes too late when the request has expired', async () => {
    const id = await waiting(test, { policy: 'manual' });
    clock.advance(8 * daySeconds);
    await expect(approveRequest(id, by('anna'), test.gateway.core)).rejects.toMatchObject({
      code: expect.stringMatching(/^(invalid-state|not-found)$/),
    });
  });
});
