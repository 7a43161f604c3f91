/** `gatehouse audit` */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { auditCommand } from '../../../src/cli/audit.js';
import { fleet } from '../../support/fleet.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
});
afterAll(() => test.close());

const run = (...words: string[]) => runCommand(auditCommand, test, words);

it('gatehouse audit list shows the latest events first, those that fit every condition', async () => {
  const [heading, ...rows] = (await run('list', '--action', 'ca.created')).split('\n');
  expect(heading).toMatch(/^SEQUENCE {2}TIME +ACTION +OUTCOME +WHO +SUBJECT$/);
  expect(rows).toHaveLength(2);
  expect(rows[1]).toMatch(/^\d+ +\S+Z {2}ca\.created {2}success {2}\S+ +root-1$/);
  const [event] = (await run('list', '--subject', 'root-1', '--json')).split('\n').map((line) => JSON.parse(line));
  expect(event).toMatchObject({ action: expect.any(String), subject: 'root-1', sequence: expect.any(Number) });
  expect(await run('list', '--outcome', 'refused')).toBe('no events');
  const older = (await run('list', '--before', '3', '--json')).split('\n').map((line) => JSON.parse(line).sequence);
  expect(older).toEqual([2, 1]);
  const all = (await run('list', '--json')).split('\n').map((line) => JSON.parse(line));
  expect(await run('list', '--until', all.at(-1).at)).toBe('no events');
  expect((await run('list', '--json', '--since', all.at(-1).at)).split('\n')).toHaveLength(all.length);
  const [from] = all;
  expect((await run('list', '--json', '--since', from.at, '--before', '2')).split('\n').length).toBeLessThan(2);
  expect(await run('list', '--actor', 'nobody')).toBe('no events');
  expect(await run('list', '--device', 'nobody')).toBe('no events');
  await expect(run('list', '--since', 'soon')).rejects.toThrow('soon is not a time such as 2026-01-31T12:00:00Z');
});

it('gatehouse audit show shows one by its sequence or id', async () => {
  const byNumber = await run('show', '1');
  const { id } = JSON.parse(await run('show', '1', '--json'));
  expect(byNumber).toMatch(/^\S+Z {2}#1 {2}catalog\.applied {2}success/);
  expect(await run('show', id)).toBe(byNumber);
  for (const name of ['999999', 'none']) await expect(run('show', name)).rejects.toThrow(`no event ${name}`);
});

it('gatehouse audit verify tells an intact log from one that was changed', async () => {
  expect(await run('verify')).toMatch(
    /^the chain of all \d+ events is intact; the last is \d+ with hash [0-9a-f]{64}$/,
  );
  expect(JSON.parse(await run('verify', '--json'))).toMatchObject({ last: { hash: expect.any(String) } });

  const database = new Database(test.settings.database);
  database.exec(`update audit_event set content = replace(content, 'ca.created', 'ca.changed') where sequence = 2`);
  database.close();
  await expect(run('verify')).rejects.toThrow('the audit log was changed: event 2 does not fit');
});
