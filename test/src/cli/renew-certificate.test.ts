import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command, Option } from 'commander';
import { certificateCommand } from '../../../src/cli/certificate.js';
import { renewCommand } from '../../../src/cli/renew-certificate.js';
import { requestCommand } from '../../../src/cli/request.js';
import { applyYaml, policyLike } from '../../support/fleet.js';
import { csrFor, issued, startOperatedFleet } from '../../support/operated-fleet.js';
import { runCommand } from '../../support/run-command.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;

beforeAll(async () => {
  ({ test } = await startOperatedFleet());
});
afterAll(() => test.close());

const password = 'correct horse';

function run(...words: string[]): Promise<string> {
  const issuer = new Option('--issuer <generation>', 'the CA');
  return runCommand((act) => new Command().addCommand(renewCommand(act, issuer, async () => password)), test, [
    'renew',
    ...words,
  ]);
}

const certificates = (...words: string[]) => runCommand(certificateCommand, test, words);

describe('gatehouse certificate renew', () => {
  it('prints the successor for the same key, under the name of who has asked', async () => {
    const { id, serialNumber, keyFingerprint } = await issued(test, { name: 'pump-1' });
    const renewed = new X509Certificate(await run(serialNumber));
    expect(renewed.subject).toBe('CN=pump-1');
    const [shown] = (await certificates('show', renewed.serialNumber, '--json')).split('\n').map((l) => JSON.parse(l));
    expect(shown).toMatchObject({
      replaces: id,
      keyFingerprint,
      protocol: 'portal',
      requester: expect.stringMatching(/^operator:command line:/),
    });
  });

  it('takes the key of a PKCS #10 request, and writes into a file of its owner', async () => {
    const { id, serialNumber } = await issued(test, { name: 'pump-2' });
    const [request, output] = [join(test.directory, 'pump-2.csr'), join(test.directory, 'pump-2.pem')];
    await writeFile(request, csrFor({ name: 'pump-2' }));
    expect(await run(serialNumber, '--csr', request, '-o', output)).toContain(`it is in ${output}`);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    const renewed = new X509Certificate(await readFile(output)).serialNumber;
    expect(JSON.parse(await certificates('show', renewed, '--json')).replaces).toBe(id);
    await expect(run(serialNumber, '-o', output)).rejects.toThrow(`${output} cannot be made`);
    const other = join(test.directory, 'pump-3.pem');
    await expect(run('0a', '-o', other)).rejects.toThrow('no certificate');
    await expect(stat(other)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(run(serialNumber, '--csr', '/nowhere.csr')).rejects.toThrow('/nowhere.csr cannot be read');
  });

  it('has the gateway make the key, which comes under a password', async () => {
    const { serialNumber } = await issued(test, { name: 'pump-3' });
    const printed = await run(serialNumber, '--new-key', '--password-stdin');
    const key = createPrivateKey({ key: printed.slice(printed.indexOf('-----BEGIN ENC')), passphrase: password });
    expect(new X509Certificate(printed).checkPrivateKey(key)).toBe(true);
    const output = join(test.directory, 'pump-3.p12');
    await run(serialNumber, '--new-key', '--format', 'pkcs12', '--password-stdin', '-o', output);
    expect((await readFile(output)).length).toBeGreaterThan(500);
    const json = JSON.parse(await run(serialNumber, '--new-key', '--format', 'pkcs8', '--json'));
    expect(json).toMatchObject({ status: 'valid', privateKey: expect.stringContaining('BEGIN PRIVATE KEY') });
  });

  it('says what to do where people have to approve it', async () => {
    await applyYaml(test, policyLike('plant', 'methods: [est, portal], approval: automatic'));
    const { serialNumber } = await issued(test, { name: 'pump-4' });
    await applyYaml(test, policyLike('plant', 'methods: [est, portal], approval: manual'));
    const said = await run(serialNumber);
    expect(said).toMatch(
      /^the policy wants people to approve it: gatehouse request approve \S+; then give this command again$/,
    );
    const requests = (...words: string[]) => runCommand(requestCommand, test, words);
    const [id = ''] = / approve (\S+);/.exec(said)?.slice(1) ?? [];
    expect(JSON.parse(await requests('list', '--json'))).toMatchObject({
      id,
      subject: 'CN=pump-4',
      operation: 'reenroll',
    });
    const approved = JSON.parse(await requests('approve', id, '--as', 'anna', '--comment', 'fine', '--json'));
    expect(approved).toMatchObject({ state: 'issued', approvals: [{ comment: 'fine' }] });
    expect(`devices-1:${new X509Certificate(await run(serialNumber)).serialNumber.toLowerCase()}`).toBe(
      approved.certificate,
    );
    expect(JSON.parse(await requests('show', id, '--json'))).toMatchObject({ id, state: 'issued' });
    await applyYaml(test, policyLike('plant', 'methods: [est, portal], approval: automatic'));
  });

  it.each([
    ['a key without a password', ['--new-key'], '--password-stdin'],
    ['PKCS #12 without a file', ['--new-key', '--format', 'pkcs12', '--password-stdin'], 'give a file by --output'],
    ['two keys', ['--new-key', '--csr', 'x'], 'cannot be used with'],
    ['an unknown type of key', ['--new-key', '--key-type', 'dsa'], '--key-type'],
  ])('refuses %s', async (_what, words, message) => {
    const { serialNumber } = await issued(test);
    await expect(run(serialNumber, ...words)).rejects.toThrow(message);
  });
});

describe('gatehouse certificate', () => {
  it('tells a story, as text and as JSON', async () => {
    const { serialNumber } = await issued(test, { name: 'pump-5' });
    const held = JSON.parse(await certificates('hold', serialNumber, '--json'));
    expect(held).toMatchObject({ subject: 'CN=pump-5', status: 'held' });
    expect(JSON.parse(await certificates('release', serialNumber, '--json'))).toMatchObject({ status: 'valid' });
    expect(JSON.parse(await certificates('revoke', serialNumber, '--json'))).toMatchObject({ status: 'revoked' });
    const story = (await certificates('story', serialNumber, '--json')).split('\n').map((line) => JSON.parse(line));
    expect(story.map(({ action }) => action)).toEqual([
      'certificate.issued',
      'certificate.held',
      'certificate.released',
      'certificate.revoked',
    ]);
    expect(await certificates('story', serialNumber)).toMatch(/^\S+Z {2}#\d+ {2}certificate\.issued/);
  });

  it('finds certificates by their names and hashes', async () => {
    const alternatives = [{ type: 'dns', value: 'pump-6.example' }] as const;
    const { certificateFingerprint, keyFingerprint } = await issued(test, { name: 'pump-6', alternatives });
    const found = async (...words: string[]) =>
      JSON.parse(await certificates('list', '--json', ...words)).subject as string;
    expect(await found('--name', 'dns:pump-6.example')).toBe('CN=pump-6');
    expect(await found('--search', 'PUMP-6.EX')).toBe('CN=pump-6');
    expect(await found('--fingerprint', certificateFingerprint.toUpperCase().replace(/(..)(?=.)/g, '$1:'))).toBe(
      'CN=pump-6',
    );
    expect(await found('--key', keyFingerprint)).toBe('CN=pump-6');
    expect(await certificates('list', '--group', 'tanks')).toBe('no certificates');
  });
});
