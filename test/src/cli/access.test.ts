import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAccess } from '../../../src/access/authenticate.js';
import { apiKeyCommand } from '../../../src/cli/api-key.js';
import { userCommand } from '../../../src/cli/user.js';
import { fleet } from '../../support/fleet.js';
import { eventsOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
});
afterAll(() => test.close());

const apiKey = (words: string) => runCommand(apiKeyCommand, test, words.split(' '));
const user = (words: string | readonly string[], input = '') =>
  runCommand((run) => userCommand(run, async () => input), test, typeof words === 'string' ? words.split(' ') : words);
const authenticate: ReturnType<typeof createAccess>['authenticate'] = (presented) =>
  createAccess(test.gateway.core).authenticate(presented);
const remoteAddress = '192.0.2.1';

describe('gatehouse api-key', () => {
  it('makes a key for who has lost theirs, lists it without it, and revokes it', async () => {
    const [name = '', key = ''] = (await apiKey('create --role solution-administrator')).split(' ');
    expect(name).toMatch(/^key-[0-9a-f]{8}$/);
    expect(await authenticate({ apiKey: key, remoteAddress })).toMatchObject({
      name,
      grants: [{ role: 'solution-administrator' }],
    });
    const listed = await apiKey('list');
    expect(await apiKey('list --search x')).toBe('no API keys');
    expect(listed).toMatch(/^NAME +BEGINS WITH +STATE +ROLES +USER +EXPIRES +LAST USED\n/);
    expect(listed).toContain('first-administrator');
    expect(listed).not.toContain(key);
    expect(await apiKey(`revoke ${name}`)).toBe(`revoked API key ${name}`);
    await expect(authenticate({ apiKey: key, remoteAddress })).rejects.toMatchObject({ code: 'bad-secret' });
    await expect(apiKey(`revoke ${name}`)).rejects.toThrow(`API key ${name} is revoked already`);
    const [event] = await eventsOf(test, 'api-key.revoked');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ actor: expect.stringMatching(/^command line \(/) });
  });

  it('speaks JSON', async () => {
    const made = JSON.parse(
      await apiKey('create --name fleet --role device-creator:plant --role auditor:plant --expires 90d --json'),
    );
    expect(made).toMatchObject({
      name: 'fleet',
      key: expect.stringMatching(/^gh_/),
      grants: [
        { role: 'device-creator', division: 'plant' },
        { role: 'auditor', division: 'plant' },
      ],
    });
    const { key: _, ...shown } = made;
    const listed = (await apiKey('list --state valid --json')).split('\n').map((line) => JSON.parse(line));
    expect(listed).toContainEqual(shown);
  });

  it.each([
    ['no role', 'create', "required option '--role <role>' not specified"],
    ['an unknown role', 'create --role root', '<role> or <role>:<division> is expected'],
    ['an unknown division', 'create --role auditor:nowhere', 'there is no division nowhere'],
    ['an unknown user', 'create --role auditor --owner nobody', 'there is no user nobody'],
    ['an unknown key', 'revoke nothing', 'there is no API key nothing'],
    ['the last administrator', 'revoke first-administrator', 'nobody would be left to administer'],
  ])('refuses %s', async (_, words, message) => {
    await expect(apiKey(words)).rejects.toThrow(message);
  });
});

describe('gatehouse user', () => {
  const password = 'correct horse battery';

  it('makes, shows, changes, stops and deletes', async () => {
    const words = ['create', 'alice', '--role', 'approver:plant', '--display-name', 'Alice A', '--password-stdin'];
    expect(await user(words, `${password}\n`)).toBe('made user alice');
    const basic = { username: 'alice', password };
    expect(await authenticate({ basic, remoteAddress })).toMatchObject({ name: 'alice' });
    expect(await user('show alice')).toMatch(
      /^alice\n {2}name: Alice A\n {2}state: enabled\n {2}roles: approver of plant\n/,
    );
    // Whatever is being written is in the same queue.
    await test.gateway.core.store.commit({ statements: [], audit: [] });
    expect(await user('list --state disabled')).toBe('no users');
    expect(await user('list --search LIC --state enabled')).toContain('alice');
    expect(await user('list')).toMatch(/\nalice +enabled +approver of plant +password +\d{4}-\d\d-\d\d$/);
    expect(await user('change alice --role auditor')).toBe('changed user alice');
    expect(JSON.parse(await user('show alice --json'))).toMatchObject({ grants: [{ role: 'auditor' }] });
    expect(await user('disable alice')).toBe('disabled user alice');
    await expect(authenticate({ basic, remoteAddress })).rejects.toMatchObject({ code: 'bad-secret' });
    expect(JSON.parse(await user('enable alice --json'))).toMatchObject({ enabled: true });
    expect(await user('password alice', 'another long password\n')).toBe('set the password of user alice');
    await expect(authenticate({ basic, remoteAddress })).rejects.toMatchObject({ code: 'bad-secret' });
    expect(await user('delete alice')).toBe('deleted user alice');
    expect(await user('list')).toBe('no users');
  });

  it.each([
    ['a password in the argument list', 'create bob --role auditor --password x', "unknown option '--password'"],
    ['a short password', 'create bob --role auditor --password-stdin', 'a password has at least 12 characters'],
    ['an unknown user', 'show bob', 'there is no user bob'],
    ['a change of nothing', 'change bob', 'nothing is to be changed'],
  ])('refuses %s', async (_, words, message) => {
    await expect(user(words, 'short\n')).rejects.toThrow(message);
  });
});
