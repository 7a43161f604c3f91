import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ZodError } from 'zod';
import { call, plant, site, startOperatedFleet, waiting } from '../../support/operated-fleet.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  ({ test } = await startOperatedFleet());
});
afterAll(() => test.close());

const refused = (code: string) => ({ code });

describe('GET /requests', () => {
  it('has those that wait, oldest first, page by page', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await waiting(test, { name: `waits-${i}` }));
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: '2', policy: 'manual', ...(cursor ? { cursor } : {}) };
      const { value } = await call(test, 'listRequests', { query, scope: plant });
      listed.push(...value.items.map(({ id }: { id: string }) => id));
      cursor = value.next;
    } while (cursor);
    expect(listed).toEqual(ids);
    const { value } = await call(test, 'listRequests', { query: { limit: '1' } });
    expect(value.items).toMatchObject([
      {
        id: ids[0],
        state: 'pending',
        kind: 'certificate',
        policy: 'manual',
        group: null,
        division: 'plant',
        protocol: 'portal',
        operation: 'enroll',
        subject: 'CN=waits-0',
        subjectAltNames: [],
        certificate: null,
        requester: 'operator:olga',
        credentials: ['olga'],
        approvals: [],
        approvalsNeeded: 1,
        decidedBy: null,
        comment: null,
      },
    ]);
  });

  it('leaves out those of other divisions', async () => {
    await waiting(test, {});
    for (const query of [{}, { policy: 'manual' }, { division: 'plant' }] as Record<string, string>[]) {
      expect((await call(test, 'listRequests', { query, scope: site })).value.items).toEqual([]);
    }
    expect((await call(test, 'listRequests', { query: { division: 'plant' } })).value.items).not.toEqual([]);
    expect((await call(test, 'listRequests', { query: { division: 'site' } })).value.items).toEqual([]);
  });

  it.each([
    ['an unknown state', { state: 'gone' }],
    ['an unknown parameter', { colour: 'red' }],
  ])('refuses %s', async (_what, query) => {
    await expect(call(test, 'listRequests', { query })).rejects.toThrow(ZodError);
  });
});

describe('a request', () => {
  it('is approved with a comment, and has its certificate then', async () => {
    const id = await waiting(test, { name: 'approved-1' });
    const { value } = await call(test, 'approveRequest', {
      id,
      body: { comment: 'checked' },
      scope: plant,
      by: 'anna',
    });
    expect(value).toMatchObject({
      state: 'issued',
      certificate: expect.stringMatching(/^devices-1:/),
      approvals: [{ by: 'anna', comment: 'checked' }],
    });
    expect((await call(test, 'getCertificate', { id: value.certificate })).value.subject).toBe('CN=approved-1');
    const story = (await call(test, 'getRequestStory', { id, scope: plant })).value;
    expect(story.trace).toContainEqual(expect.objectContaining({ rule: 'approval', outcome: 'pending' }));
    expect(story.events.map(({ action }: { action: string }) => action)).toEqual([
      'request.pending',
      'request.approved',
      'certificate.issued',
    ]);
    await expect(call(test, 'approveRequest', { id, body: {} })).rejects.toMatchObject(refused('invalid-state'));
    await expect(call(test, 'rejectRequest', { id, body: {} })).rejects.toMatchObject(refused('invalid-state'));
  });

  it('waits for a second person where the policy wants two', async () => {
    const id = await waiting(test, { policy: 'twice', by: 'olga' });
    const approve = (by: string) => call(test, 'approveRequest', { id, body: {}, by });
    await expect(approve('olga')).rejects.toMatchObject(refused('forbidden'));
    expect((await approve('anna')).value).toMatchObject({
      state: 'pending',
      approvalsNeeded: 2,
      approvals: [{ by: 'anna' }],
    });
    await expect(approve('anna')).rejects.toMatchObject(refused('invalid-state'));
    expect((await approve('bert')).value).toMatchObject({ state: 'issued' });
  });

  it('is rejected with a comment, which its requester is told', async () => {
    const id = await waiting(test, {});
    const { value } = await call(test, 'rejectRequest', { id, body: { comment: 'not ours' }, by: 'bert' });
    expect(value).toMatchObject({ state: 'rejected', decidedBy: 'bert', comment: 'not ours' });
    const { value: listed } = await call(test, 'listRequests', { query: { state: 'rejected' } });
    expect(listed.items.map((item: { id: string }) => item.id)).toContain(id);
  });

  it('is not there for who has no rights in its division', async () => {
    const id = await waiting(test, {});
    for (const operation of ['getRequest', 'getRequestStory', 'approveRequest', 'rejectRequest']) {
      await expect(call(test, operation, { id, body: {}, scope: site })).rejects.toMatchObject(refused('not-found'));
    }
    expect((await call(test, 'getRequest', { id, scope: plant })).value).toMatchObject({ state: 'pending' });
  });

  it('is decided as it was read, or not at all', async () => {
    const id = await waiting(test, { policy: 'twice' });
    const ifMatch = (await call(test, 'getRequest', { id })).value;
    await call(test, 'approveRequest', { id, body: {}, by: 'anna', ifMatch });
    await expect(call(test, 'approveRequest', { id, body: {}, by: 'bert', ifMatch })).rejects.toMatchObject({
      status: 412,
    });
  });

  it.each([
    ['an empty comment', { comment: '' }],
    ['a comment of several lines', { comment: 'a\nb' }],
    ['a comment that is too long', { comment: 'x'.repeat(501) }],
    ['an unknown field', { reason: 'x' }],
  ])('refuses %s', async (_what, body) => {
    const id = await waiting(test, {});
    await expect(call(test, 'rejectRequest', { id, body })).rejects.toThrow(ZodError);
  });
});
