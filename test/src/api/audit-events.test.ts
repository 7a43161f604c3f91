import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { createAuditRecord } from '../../../src/audit/audit-record.js';
import type { Grant } from '../../../src/model/access.js';
import { fleet } from '../../support/fleet.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { type Caller, createCaller, tester } from './call.js';

const start = Date.UTC(2030, 0, 1);
const minute = 60_000;
const pageOfRoom = 2_000;

let test: TestGateway;
let auditor: Caller;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  auditor = callerWith({ role: 'auditor' });
  const { store } = test.gateway.core;
  // More than a page looks at, and one of the laboratory's before them all.
  const events = Array.from({ length: pageOfRoom + 500 }, (_, i) =>
    createAuditRecord({
      id: `event-${i}`,
      at: new Date(start + i * minute),
      action: i % 2 === 0 ? 'device.suspended' : 'device.resumed',
      outcome: i % 5 === 0 ? 'refused' : 'success',
      subject: `device-${i % 10}`,
      details: {
        actor: i < 3 ? 'user alice' : 'user bob',
        ...(i === 1 ? { division: 'lab' } : { division: 'plant', attributes: { division: 'lab' } }),
      },
    }),
  );
  await store.commit({ statements: [], audit: events });
});
afterAll(() => test.close());

function callerWith(...grants: readonly Grant[]): Caller {
  return createCaller({ ...test.gateway.core, version: '0' }, tester(...grants));
}

interface Page {
  readonly items: { id: string; sequence: number; details: Record<string, unknown> }[];
  readonly next?: string;
}

async function list(query: object, caller = auditor): Promise<Page> {
  return (await caller.call('listAuditEvents', { query })).value as Page;
}

/** All pages; each but the last has to lead on. */
async function listAll(query: object, caller = auditor): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  for (let pages = 1, cursor: string | undefined; ; pages++) {
    const page: Page = await list({ ...query, ...(cursor === undefined ? {} : { cursor }) }, caller);
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next;
    if (cursor === undefined) return { ids, pages };
  }
}

const isOurs = (id: string) => id.startsWith('event-');

describe('Audit events over the management API', () => {
  it('come latest first, in pages that have each once', async () => {
    const { ids, pages } = await listAll({ limit: '1000' });
    expect(pages).toBeGreaterThan(2);
    expect(ids.filter(isOurs)).toEqual(Array.from({ length: 2500 }, (_, i) => `event-${2499 - i}`));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('are found by action, outcome and subject', async () => {
    const { items } = await list({ action: 'device.suspended', outcome: 'refused', subject: 'device-0', limit: '2' });
    expect(items.map(({ id }) => id)).toEqual(['event-2490', 'event-2480']);
    const all = await listAll({ subject: 'device-3', limit: '100' });
    expect(all.ids).toEqual(Array.from({ length: 250 }, (_, i) => `event-${2493 - i * 10}`));
  });

  it('are found by time: from the first moment on, before the last', async () => {
    const from = new Date(start + 10 * minute).toISOString();
    const to = new Date(start + 13 * minute).toISOString();
    expect((await listAll({ from, to })).ids).toEqual(['event-12', 'event-11', 'event-10']);
    expect((await listAll({ from, to, subject: 'device-1' })).ids).toEqual(['event-11']);
  });

  it('are found by who has done it, also beyond what one page looks at', async () => {
    const first = await list({ actor: 'user alice' });
    expect(first).toMatchObject({ items: [], next: expect.any(String) });
    expect((await listAll({ actor: 'user alice' })).ids).toEqual(['event-2', 'event-1', 'event-0']);
  });

  it('of other divisions, and of none, are hidden from who has a division', async () => {
    const lab = callerWith({ role: 'auditor', division: 'lab' });
    expect((await listAll({}, lab)).ids).toEqual(['event-1']);
    expect((await lab.call('getAuditEvent', { params: { id: 'event-1' } })).value).toMatchObject({
      subject: 'device-1',
      details: { division: 'lab' },
    });
    const others = await test.gateway.core.store.audit.list({ limit: 10_000 });
    for (const { id } of [...others.filter(({ id }) => !isOurs(id)), { id: 'event-2' }, { id: 'none' }]) {
      await expect(lab.call('getAuditEvent', { params: { id } })).rejects.toMatchObject({ code: 'not-found' });
    }
    const plant = await listAll({}, callerWith({ role: 'auditor', division: 'plant' }));
    expect(plant.ids.filter(isOurs)).toHaveLength(2499);
  });

  it('prove that nothing was changed, part by part', async () => {
    const first = await auditor.call('verifyAuditEvents', { body: { limit: 1000 } });
    expect(first.value).toMatchObject({ intact: true, checked: 1000, next: 1001, last: { sequence: 1000 } });
    const [head] = await test.gateway.core.store.audit.list({ limit: 1 });
    const rest = await auditor.call('verifyAuditEvents', { body: { from: 1001 } });
    expect(rest.value).toEqual({
      intact: true,
      checked: (head?.sequence ?? 0) - 1000,
      last: { sequence: head?.sequence, hash: Buffer.from(head?.hash ?? []).toString('hex') },
    });
    const limited = callerWith({ role: 'auditor', division: 'plant' });
    await expect(limited.call('verifyAuditEvents', { body: {} })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('name the first one that does not fit', async () => {
    const event = (await test.gateway.core.store.audit.findById({ id: 'event-7' })) ?? { sequence: 0 };
    const database = new SqliteDatabase(test.settings.database);
    database.prepare("update audit_event set content = replace(content, 'bob', 'eve') where id = 'event-7'").run();
    database.close();
    const { value } = await auditor.call('verifyAuditEvents', { body: {} });
    expect(value).toEqual({ intact: false, broken: event.sequence });
  });
});
