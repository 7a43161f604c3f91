import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createJobKinds } from '../../../../src/jobs/job-kinds.js';
import { failureLines, resultLines } from '../../../../src/jobs/results.js';
import { type JobRunner, startJobRunner } from '../../../../src/jobs/runner.js';
import type { Core } from '../../../../src/open-core.js';
import { finished, openJobCore, rowsOf, submit } from '../job-store.js';

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

const kind = () => createJobKinds(core).get('register-devices');

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

async function failuresOf(id: string): Promise<string> {
  const job = await core.store.jobs.findById({ id });
  const registering = kind();
  if (job === undefined || registering === undefined) throw new Error('there is no such job');
  return await textOf(failureLines(job, registering, core));
}

async function resultsOf(id: string, format: 'csv' | 'jsonl'): Promise<string> {
  const job = await core.store.jobs.findById({ id });
  const registering = kind();
  if (job === undefined || registering === undefined) throw new Error('there is no such job');
  return await textOf(resultLines(job, format, registering, core));
}

describe('a batch registration', () => {
  it('registers devices with their group, identifiers and attributes, and says so in the audit log', async () => {
    const content = 'name,group,identifier.serial,attribute.site\npump-1,,4711,north\nvalve-1,valves,,\n';
    const { id } = await submit(core, { content });
    expect(await finished(core, id)).toMatchObject({ done: 2, failed: 0 });
    const pump = await core.store.devices.findByName({ division: 'plant', name: 'pump-1' });
    expect(pump).toMatchObject({
      groupName: 'pumps',
      state: 'registered',
      identifiers: '{"serial":"4711"}',
      attributes: '{"site":"north"}',
    });
    expect(await core.store.devices.findByName({ division: 'plant', name: 'valve-1' })).toMatchObject({
      groupName: 'valves',
    });
    expect((await rowsOf(core, id))[0]?.result).toBe(JSON.stringify({ deviceId: pump?.id, deviceGroup: 'pumps' }));
    const [event] = await core.store.audit.list({ subject: pump?.id ?? '', limit: 1 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({ action: 'device.registered', device: 'pump-1' });
  });

  it('refuses rows one by one, each with its code', async () => {
    const rows = [
      { name: 'one' },
      { name: 'one' },
      { name: 'a\u202eb' },
      { name: 'c', group: 'nowhere' },
      { name: 'd', group: 'printers' },
      { name: 'e', group: 'closed' },
      { name: 'f', identifiers: { serial: '' } },
      { name: 'g', identifiers: { 'no name': 'x' } },
    ];
    const content = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    const { id } = await submit(core, { content, format: 'jsonl' });
    expect(await finished(core, id)).toMatchObject({ done: 1, failed: 7 });
    const ended = await rowsOf(core, id);
    expect(ended.slice(2).map(({ errorCode }) => errorCode)).toEqual([
      'rejected-name',
      'not-found',
      'not-found',
      'invalid-state',
      'malformed-request',
      'malformed-request',
    ]);
    // Which of two equal ones is first, nobody knows.
    expect(
      ended
        .slice(0, 2)
        .map(({ errorCode }) => errorCode)
        .toSorted(),
    ).toEqual(['duplicate-request', null]);
    expect(await core.store.devices.findByName({ division: 'office', name: 'd' })).toBeUndefined();
  });

  it.each([
    [{ group: 'nowhere' }, 'not-found'],
    [{ group: 'printers', division: 'plant' }, 'not-found'],
    [{ division: 'nowhere' }, 'not-found'],
    [{}, 'malformed-request'],
    [{ group: 'pumps', colour: 'red' }, 'malformed-request'],
  ])('is refused with the options %j', async (options, code) => {
    await expect(submit(core, { options, content: 'name\na\n' })).rejects.toMatchObject({ code });
  });

  it('fails a row without a group where the job has none', async () => {
    const { id } = await submit(core, { options: { division: 'plant' }, content: 'name,group\nx-1,\nx-2,pumps\n' });
    expect(await finished(core, id)).toMatchObject({ done: 1, failed: 1 });
    expect((await rowsOf(core, id))[0]).toMatchObject({ errorCode: 'malformed-request' });
  });

  it('gives its failures as a file that can be corrected and run again', async () => {
    const content = 'name,group,attribute.note\nh-1,pumps,"one, ""two"""\nh-2,nowhere,\n"h-3","a b","x\ny"\n';
    const { id } = await submit(core, { content });
    await finished(core, id);
    const failures = await failuresOf(id);
    expect(failures).toBe(
      'name,group,attribute.note,error_code,error_reason\r\n' +
        'h-2,nowhere,,not-found,"the division has no device group ""nowhere"""\r\n' +
        'h-3,a b,"x\ny",malformed-request,group: a name is 1 to 64 of the characters A-Z a-z 0-9 . _ - and starts with a letter or digit\r\n',
    );
    const corrected = failures.replace('nowhere', 'valves').replace('a b', 'valves').replace('"x\ny"', 'x');
    const again = await submit(core, { content: corrected });
    expect(await finished(core, again.id)).toMatchObject({ total: 2, done: 2, failed: 0 });
  });

  it('gives the failures of JSON Lines as JSON Lines', async () => {
    const { id } = await submit(core, { content: '{"name":"i-1","group":"nowhere"}\n{"name":7}\n', format: 'jsonl' });
    await finished(core, id);
    const failures = (await failuresOf(id))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(failures).toMatchObject([
      { name: 'i-1', group: 'nowhere', error_code: 'not-found' },
      { name: 7, error_code: 'malformed-request' },
    ]);
  });

  it('gives all rows with their results', async () => {
    const { id } = await submit(core, { content: 'name,group\nk-1,\nk-2,nowhere\n' });
    await finished(core, id);
    const device = await core.store.devices.findByName({ division: 'plant', name: 'k-1' });
    expect((await resultsOf(id, 'csv')).split('\r\n')).toEqual([
      'row,name,group,state,deviceId,deviceGroup,error_code,error_reason',
      `1,k-1,,done,${device?.id},pumps,,`,
      '2,k-2,nowhere,failed,,,not-found,"the division has no device group ""nowhere"""',
      '',
    ]);
    const lines = (await resultsOf(id, 'jsonl'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { row: 1, state: 'done', input: { name: 'k-1' }, result: { deviceId: device?.id, deviceGroup: 'pumps' } },
      {
        row: 2,
        state: 'failed',
        input: { name: 'k-2', group: 'nowhere' },
        error: { code: 'not-found', reason: 'the division has no device group "nowhere"' },
      },
    ]);
  });
});
