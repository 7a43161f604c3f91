/** A store with a catalog, and jobs that run on it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everything } from '../../../src/access/grants.js';
import type { Actor } from '../../../src/audit/actor.js';
import { parseDocument } from '../../../src/catalog/document.js';
import { systemClock } from '../../../src/clock.js';
import { applyDocument } from '../../../src/declaration/apply.js';
import { planDocument } from '../../../src/declaration/plan.js';
import { createJob, type NewJob, planJob } from '../../../src/jobs/create-job.js';
import type { InputFormat } from '../../../src/jobs/input/read-rows.js';
import type { JobKinds } from '../../../src/jobs/job-kind.js';
import { createJobKinds } from '../../../src/jobs/job-kinds.js';
import { loadInput } from '../../../src/jobs/load-input.js';
import { createLog } from '../../../src/log.js';
import { type Core, openCore } from '../../../src/open-core.js';
import { readSettings } from '../../../src/settings.js';
import type { JobOverview } from '../../../src/store/job-record.js';
import type { ShownJobRow } from '../../../src/store/job-row-repository.js';
import { testActor } from '../../support/operator.js';
import { userRecord } from '../store/management-records.js';

export const actor: Actor = { name: 'user alice', person: 'user:alice', remoteAddress: '192.0.2.1', requestId: 'r-1' };

const configuration = `
divisions: [{ name: plant }, { name: office }]
deviceGroups:
  - { name: pumps, division: plant }
  - { name: valves, division: plant }
  - { name: closed, division: plant, enabled: false }
  - { name: printers, division: office }
`;

/** Everything below the listeners, in a folder that goes with it. */
export async function openJobCore(text: string = configuration): Promise<Core & { readonly data: string }> {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-jobs-'));
  const core = await openJobCoreOn(data);
  const readFile = (path: string): string => {
    throw new Error(`no file ${path}`);
  };
  const document = parseDocument({ file: 'jobs.yaml', text, environment: {}, readFile });
  await applyDocument(await planDocument(document, core), { ...core, actor: testActor });
  await core.holder.refresh();
  await addAlice(core);
  return {
    ...core,
    data,
    close: async () => {
      await core.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** As another process on the same data. */
export async function openJobCoreOn(data: string): Promise<Core> {
  const settings = readSettings({ flags: { data }, environment: {} });
  return await openCore({ settings, log: createLog('silent'), clock: systemClock });
}

export async function* chunksOf(content: string | Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

interface SubmittedJob extends Partial<NewJob> {
  readonly content?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly format?: InputFormat;
  readonly by?: Actor;
}

/** Solution administrator, as whom jobs are submitted here. */
async function addAlice({ store }: Pick<Core, 'store'>): Promise<void> {
  if ((await store.users.findById({ id: 'alice' })) !== undefined) return;
  const alice = { ...userRecord('alice', everything), isAdministrator: 1 };
  await store.commit({ statements: [store.users.insert(alice)], audit: [] });
}

/** By default devices of the group pumps, on behalf of alice. */
export async function submit(
  core: Core,
  { content, format = 'csv', by = actor, ...changes }: SubmittedJob,
  kinds: JobKinds = createJobKinds(core),
): Promise<JobOverview> {
  await addAlice(core);
  const wanted = { kind: 'register-devices', options: { group: 'pumps' }, start: true, ...changes };
  const job = await createJob(planJob(wanted, kinds), by, core);
  if (content === undefined) return job;
  const source = typeof content === 'string' || content instanceof Uint8Array ? chunksOf(content) : content;
  return await loadInput({ id: job.id, source, format, actor: by }, core, kinds);
}

/** Waits until it is so. */
export async function jobThat(
  core: Pick<Core, 'store'>,
  id: string,
  isSo: (job: JobOverview) => boolean,
): Promise<JobOverview> {
  for (;;) {
    const job = await core.store.jobs.findById({ id });
    if (job !== undefined && isSo(job)) return job;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function finished(core: Pick<Core, 'store'>, id: string): Promise<JobOverview> {
  return await jobThat(core, id, ({ state }) => state === 'finished');
}

export async function rowsOf(core: Pick<Core, 'store'>, jobId: string): Promise<readonly ShownJobRow[]> {
  return await core.store.jobRows.list({ jobId, after: 0, limit: 1_000_000 });
}

/** `name` and so many rows. */
export function csvOfDevices(count: number, prefix = 'pump'): string {
  return `name\n${Array.from({ length: count }, (_, i) => `${prefix}-${i}\n`).join('')}`;
}
