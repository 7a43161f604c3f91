import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createJobKinds } from '../../../src/jobs/job-kinds.js';
import { failureLines, resultLines } from '../../../src/jobs/results.js';
import { type JobRunner, startJobRunner } from '../../../src/jobs/runner.js';
import type { Core } from '../../../src/open-core.js';
import type { JobOverview } from '../../../src/store/job-record.js';
import { finished, openJobCore, rowsOf, submit } from './job-store.js';

let core: Core & { readonly data: string };
let runner: JobRunner;

beforeAll(async () => {
  core = await openJobCore();
  runner = startJobRunner(core, createJobKinds(core));
});

afterAll(async () => {
  await runner.close();
  await core.close();
});

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

async function failuresOf(job: JobOverview): Promise<string> {
  const [kind] = createJobKinds(core).values();
  if (kind === undefined) throw new Error('there is no kind');
  return await textOf(failureLines(job, kind, core));
}

const notes = ['=cmd|calc!A1', '+1', '-1', '@x', "'=kept", "''=kept", 'plain', '@@', "'a"];
/** Each cell in quotes. */
const rows = notes.map((note, i) => `pump-${i},nowhere,"${note}"\n`).join('');

describe('the failures of a job', () => {
  it('have no cell that a spreadsheet takes for a formula, and are an input again as they are', async () => {
    const content = `name,group,attribute.note\n${rows}`;
    const { id } = await submit(core, { options: { division: 'plant' }, content });
    const job = await finished(core, id);
    expect(job).toMatchObject({ failed: notes.length });
    const failures = await failuresOf(job);
    const cells = failures.split('\r\n').flatMap((line) => line.split(','));
    expect(cells.filter((cell) => /^"?[=+\-@\t\r]/.test(cell))).toEqual([]);
    expect(failures).toContain("pump-0,nowhere,'=cmd|calc!A1,not-found,");

    const corrected = failures.replaceAll(',nowhere,', ',pumps,');
    const again = await submit(core, { options: { division: 'plant' }, content: corrected });
    expect(await finished(core, again.id)).toMatchObject({ done: notes.length, failed: 0 });
    const [first, second] = await Promise.all([id, again.id].map((each) => rowsOf(core, each)));
    const notesOf = (some: typeof first) => some?.map(({ input }) => JSON.parse(input)['attribute.note']);
    // The two that were written with an apostrophe in the first file had it there for this reason.
    expect(notesOf(first)).toEqual(['=cmd|calc!A1', '+1', '-1', '@x', '=kept', "'=kept", 'plain', '@@', "'a"]);
    expect(notesOf(second)).toEqual(notesOf(first));
    const device = await core.store.devices.findByName({ division: 'plant', name: 'pump-0' });
    expect(JSON.parse(device?.attributes ?? '')).toEqual({ note: '=cmd|calc!A1' });
  });

  it('are the same from JSON Lines, whose results are as they were read', async () => {
    const object = { name: '=x', group: 'nowhere', attributes: { note: "'=y" } };
    const { id } = await submit(core, {
      options: { division: 'plant' },
      content: JSON.stringify(object),
      format: 'jsonl',
    });
    const job = await finished(core, id);
    expect(JSON.parse(await failuresOf(job))).toMatchObject(object);
    const [kind] = createJobKinds(core).values();
    if (kind === undefined) throw new Error('there is no kind');
    expect(await textOf(resultLines(job, 'csv', kind, core))).toContain("1,'=x,nowhere,''=y,failed,");
    expect(JSON.parse(await textOf(resultLines(job, 'jsonl', kind, core)))).toMatchObject({ input: object });
  });
});
