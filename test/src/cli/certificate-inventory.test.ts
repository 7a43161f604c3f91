import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { certificateCommand } from '../../../src/cli/certificate.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { recordOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { createTestClock } from '../../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const clock = createTestClock(new Date('2026-11-01T00:00:00Z'));
let test: TestGateway;
let est: EstClient;
let first: X509Certificate;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, clock });
  await applyYaml(test, policyLike('other'));
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
  first = await issue('pump-1');
});
afterAll(async () => {
  est.close();
  await test.close();
});

function run(...words: string[]): Promise<string> {
  return runCommand(certificateCommand, test, words);
}

async function runJson(...words: string[]) {
  return (await run(...words, '--json')).split('\n').map((line) => JSON.parse(line));
}

async function issue(name: string, key: KeyPair = newKey()): Promise<X509Certificate> {
  return certificateOf(await est.post('simpleenroll', makeCsr({ subject: `CN=${name}`, key })));
}

const idOf = ({ serialNumber }: X509Certificate) => `devices-1:${serialNumber.toLowerCase()}`;

/** The subjects of what a list has of the fleet's own devices. */
async function subjects(...words: string[]): Promise<string[]> {
  const listed = await run('list', '--json', ...words);
  if (listed === '') return [];
  return listed.split('\n').map((line) => JSON.parse(line).subject);
}

describe('gatehouse certificate list', () => {
  it('has a line for each, latest first, as a table and as JSON', async () => {
    clock.advance(60);
    await issue('pump-2');
    const lines = (await run('list', '--policy', 'fleet', '--protocol', 'est')).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(
        /^SERIAL NUMBER +STATUS {2}SUBJECT {4}DEVICE {2}POLICY {2}ISSUER +PROTOCOL {2}ISSUED +ENDS$/,
      ),
      expect.stringMatching(
        /^[0-9a-f]{38,40} +valid {3}CN=pump-2 {2}pump-2 {2}fleet {3}devices-1 {2}est {7}2026-11-01T/,
      ),
      expect.stringContaining(first.serialNumber.toLowerCase()),
    ]);
    const [, listed] = await runJson('list', '--policy', 'fleet', '--protocol', 'est');
    expect(listed).toMatchObject({
      id: idOf(first),
      issuer: 'devices-1',
      serialNumber: first.serialNumber.toLowerCase(),
      status: 'valid',
      subject: 'CN=pump-1',
      device: 'pump-1',
      profile: 'device',
      usage: 'operational',
      notAfter: new Date(first.validTo).toISOString(),
      revokedAt: null,
      revocationReason: null,
      replaces: null,
    });
  });

  it('narrows by every condition', async () => {
    expect(await subjects('--device', 'pump-1')).toEqual(['CN=pump-1']);
    expect(await subjects('--device', 'pump-1', '--division', 'plant')).toEqual(['CN=pump-1']);
    expect(await subjects('--subject', 'PUMP-2')).toEqual(['CN=pump-2']);
    expect(await subjects('--profile', 'device', '--issuer', 'devices-1')).toEqual(['CN=pump-2', 'CN=pump-1']);
    expect(await subjects('--policy', 'other', '--protocol', 'est')).toEqual([]);
    expect(await subjects('--issuer', 'root-1', '--protocol', 'est')).toEqual([]);
    expect(await subjects('--profile', 'device', '--expires-before', '30d')).toEqual([]);
    expect(await subjects('--profile', 'device', '--expires-before', '91d')).toHaveLength(2);
    expect(await subjects('--profile', 'device', '--expires-before', '2027-12-01T00:00:00Z')).toHaveLength(2);
    expect(await run('list', '--policy', 'other', '--protocol', 'est')).toBe('no certificates');
  });

  it('says so when there are more than it shows', async () => {
    const note = jest.spyOn(console, 'error').mockReturnValue(undefined);
    expect(await subjects('--profile', 'device', '--limit', '1')).toEqual(['CN=pump-2']);
    expect(note.mock.calls).toEqual([['there are more than 1 certificates: narrow the list, or raise --limit']]);
    note.mockRestore();
  });

  it('tells what has expired from what is valid', async () => {
    await run('revoke', (await issue('pump-3')).serialNumber);
    await run('hold', (await issue('pump-4')).serialNumber);
    const of = (status: string) => subjects('--profile', 'device', '--status', status);
    expect([await of('revoked'), await of('held'), await of('expired')]).toEqual([['CN=pump-3'], ['CN=pump-4'], []]);
    expect(await of('valid')).toEqual(['CN=pump-2', 'CN=pump-1']);
    const { core } = test.gateway;
    const record = await recordOf(test, first);
    const { certificates } = core.store;
    const past = clock.now().getTime() - 1000;
    const old = { ...record, serialNumber: '01', subject: 'CN=old', certificateFingerprint: 'old', notAfter: past };
    await core.store.commit({ statements: [certificates.insert(old)], audit: [] });
    expect(await of('expired')).toEqual(['CN=old']);
    expect(await of('valid')).toEqual(['CN=pump-2', 'CN=pump-1']);
    expect(await runJson('list', '--subject', 'CN=old')).toMatchObject([{ status: 'expired' }]);
  });

  it('lets nothing that devices write reach the terminal as it is', async () => {
    const { core } = test.gateway;
    const bad = { ...(await recordOf(test, first)), subject: 'CN=\u001b[2Jx', certificateFingerprint: 'bad' };
    const insert = core.store.certificates.insert({ ...bad, serialNumber: '02' });
    await core.store.commit({ statements: [insert], audit: [] });
    expect(await run('list', '--subject', '[2J')).toContain('CN=?[2Jx');
    expect(await run('show', '02')).toContain('subject: CN=?[2Jx');
  });

  it.each([
    ['an unknown policy', ['--policy', 'fleets'], 'there is no policy "fleets"; there are: fleet, other'],
    ['an unknown profile', ['--profile', 'x'], 'there is no profile "x"'],
    ['an unknown CA generation', ['--issuer', 'devices'], 'there is no CA generation "devices"'],
    ['an unknown device', ['--device', 'pump-99'], 'no device "pump-99" is on record'],
    ['an unknown division', ['--division', 'plants'], 'there is no division "plants"; there are: plant'],
    ['an unknown group', ['--group', 'x'], 'there is no device group "x"'],
    ['what is no hash', ['--fingerprint', 'ab:cd'], 'is not a SHA-256 hash'],
    ['what is no serial number', ['--serial', 'pump'], 'pump is not hex'],
    ['an unknown status', ['--status', 'gone'], '--status'],
    ['an unknown protocol', ['--protocol', 'telnet'], '--protocol'],
    ['what is no time', ['--expires-before', 'soon'], 'soon is not a time'],
    ['what is no number', ['--limit', '0'], 'a whole number from 1 to 10000 is expected'],
  ])('refuses %s', async (_what, words, message) => {
    await expect(run('list', ...words)).rejects.toThrow(message);
  });
});

describe('gatehouse certificate show', () => {
  it('tells the story: who asked for it and how, and what has become of it', async () => {
    await run('hold', first.serialNumber);
    await run('revoke', first.serialNumber, '--reason', 'keyCompromise', '--invalid-since', '2026-10-31T12:00:00Z');
    const record = await recordOf(test, first);
    const shown = await run('show', first.serialNumber);
    expect(shown.split('\n\n')[0]?.split('\n')).toEqual([
      `certificate ${idOf(first)}: revoked`,
      '  subject: CN=pump-1',
      '  device: pump-1 (operational, division plant, group pumps)',
      '  policy: fleet',
      '  profile: device (operational)',
      expect.stringMatching(/^ {2}valid: 2026-10-31T\S+Z to 2027-01-30T\S+Z$|^ {2}valid: \S+Z to \S+Z$/),
      `  issued: 2026-11-01T00:00:00.000Z over est, by request ${record.requestId}`,
      `  requester: ${record.requester}`,
      `  revoked: ${clock.now().toISOString()}`,
      '  reason: keyCompromise',
      '  key suspected since: 2026-10-31T12:00:00.000Z',
      `  SHA-256: ${record.certificateFingerprint}`,
      `  SHA-256 of its key: ${record.keyFingerprint}`,
    ]);
    const [json] = await runJson('show', first.serialNumber);
    expect(json).toMatchObject({
      status: 'revoked',
      revocationReason: 'keyCompromise',
      replacedBy: [],
      replaceBy: null,
    });
    expect(json.events.map(({ action }: { action: string }) => action)).toEqual([
      'certificate.issued',
      'certificate.held',
      'certificate.revoked',
    ]);
    expect(new X509Certificate(json.pem).fingerprint256).toBe(first.fingerprint256);
  });

  it('names what it replaces, what has replaced it, and until when it is to be replaced', async () => {
    const old = await issue('pump-5');
    const { core } = test.gateway;
    const record = await recordOf(test, old);
    const renewal = { ...record, serialNumber: '0abc', certificateFingerprint: 'renewal', replaces: record.id };
    await core.store.commit({ statements: [core.store.certificates.insert(renewal)], audit: [] });
    await run('replace', old.serialNumber, '--by', '3d');
    const replaceBy = new Date(clock.now().getTime() + 3 * 86_400_000).toISOString();
    expect(await runJson('show', old.serialNumber)).toMatchObject([{ replacedBy: ['devices-1:0abc'], replaceBy }]);
    expect(await run('show', old.serialNumber)).toContain(
      `  replaced by: devices-1:0abc\n  to be replaced by: ${replaceBy}\n`,
    );
    expect(await run('show', '0abc')).toContain(`  replaces: ${record.id}\n`);
  });

  it('shows those of CAs, which nobody has asked for', async () => {
    const [ca] = await runJson('list', '--issuer', 'root-1');
    expect(ca).toMatchObject({
      subject: 'CN=Devices,O=Plant',
      policy: null,
      protocol: null,
      device: null,
    });
    const shown = await run('show', ca.serialNumber);
    expect(shown).toMatch(/^ {2}issued: \S+Z$/m);
    expect(shown).not.toContain('policy: ');
  });

  it('prints the certificate in PEM', async () => {
    const pem = await run('show', first.serialNumber, '--pem');
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[\s\S]+\n-----END CERTIFICATE-----$/);
    expect(new X509Certificate(pem).serialNumber).toBe(first.serialNumber);
  });

  it('refuses what is unknown, and JSON and PEM at once', async () => {
    await expect(run('show', '0badcafe')).rejects.toThrow('no certificate with the serial number 0badcafe');
    await expect(run('show', first.serialNumber, '--issuer', 'root-1')).rejects.toThrow('on record for root-1');
    await expect(run('show', first.serialNumber, '--pem', '--json')).rejects.toThrow(/cannot be used with/);
  });
});
