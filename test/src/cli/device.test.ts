import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { certificateCommand } from '../../../src/cli/certificate.js';
import { deviceCommand } from '../../../src/cli/device.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { eventsOf, insertCopies, recordOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('known', 'devices: registered'));
  await applyYaml(
    test,
    `
divisions: [{ name: office }]
deviceGroups: [{ name: desks, division: office }, { name: closed, division: office, enabled: false }]
`,
  );
  est = createEstClient(test, { passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

function run(...words: string[]): Promise<string> {
  return runCommand(deviceCommand, test, words);
}

async function runJson(...words: string[]) {
  return (await run(...words, '--json')).split('\n').map((line) => JSON.parse(line));
}

function enroll(name: string, policy = 'fleet') {
  return est.send(`/.well-known/est/${policy}/simpleenroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10' },
    body: Buffer.from(makeCsr({ subject: `CN=${name}`, key: newKey() })).toString('base64'),
  });
}

async function issue(name: string): Promise<X509Certificate> {
  return certificateOf(await enroll(name));
}

async function reasonOnCrl({ serialNumber }: X509Certificate): Promise<string | undefined> {
  const crl = await test.gateway.core.store.crls.find({ issuerId: 'devices-1', partition: 0 });
  if (crl === undefined) throw new Error('there is no CRL');
  const { revokedCertificates } = decodeCertificateList(crl.der);
  return revokedCertificates.find((entry) => entry.serialNumber === serialNumber.toLowerCase())?.reason;
}

async function contentsOf(action: string): Promise<unknown[]> {
  return (await eventsOf(test, action)).map(({ content }) => JSON.parse(content));
}

const byPerson = { actor: expect.stringMatching(/^command line \(/) };

describe('gatehouse device register', () => {
  it('registers a device, which a policy for registered devices then serves', async () => {
    expect((await enroll('early-1', 'known')).status).toBe(403);
    const fields = ['--identifier', 'serial=4711', '--identifier', 'mac=00:11', '--attribute', 'note=a=b'];
    expect(await run('register', 'early-1', '--group', 'pumps', ...fields)).toBe(
      'registered device early-1 in division plant, group pumps',
    );
    const [shown] = await runJson('show', 'early-1');
    expect(shown).toMatchObject({
      name: 'early-1',
      division: 'plant',
      group: 'pumps',
      state: 'registered',
      identifiers: { serial: '4711', mac: '00:11' },
      attributes: { note: 'a=b' },
      certificates: [],
      events: [{ action: 'device.registered', device: 'early-1', subject: shown.id, ...byPerson }],
    });
    expect((await enroll('early-1', 'known')).status).toBe(200);
    expect(await runJson('show', 'early-1')).toMatchObject([
      { state: 'operational', certificates: [{ policy: 'known' }] },
    ]);
  });

  it('prints what it has registered as JSON', async () => {
    const [made] = await runJson('register', 'early-2', '--group', 'desks', '--division', 'office');
    expect(made).toMatchObject({ name: 'early-2', division: 'office', group: 'desks', state: 'registered' });
  });

  it.each([
    [
      'an unknown group',
      ['x', '--group', 'pump'],
      'there is no device group "pump"; there are: closed, desks, pumps, valves',
    ],
    ['an unknown division', ['x', '--group', 'pumps', '--division', 'plants'], 'there is no division "plants"'],
    ["a division that is not the group's", ['x', '--group', 'pumps', '--division', 'office'], 'is of division plant'],
    ['a disabled group', ['x', '--group', 'closed'], 'device group closed takes no new devices; enable it'],
    ['a name that is taken', ['early-1', '--group', 'valves'], 'division plant has a device "early-1" already'],
    ['an empty name', [' ', '--group', 'pumps'], 'the name of a device is 1 to 255 characters'],
    ['a name that hides text', ['a\u202eb', '--group', 'pumps'], 'none of them invisible'],
    ['what is no pair', ['x', '--group', 'pumps', '--identifier', 'serial'], 'name=value is expected'],
    ['a pair twice', ['x', '--group', 'pumps', '--attribute', 'a=1', '--attribute', 'a=2'], 'a is given twice'],
    ['a name of no identifier', ['x', '--group', 'pumps', '--identifier', '__proto__=1'], 'cannot name an identifier'],
    ['a value that hides text', ['x', '--group', 'pumps', '--identifier', 'a=b\u0007'], 'the value of identifier a'],
    ['a value that is too long', ['x', '--group', 'pumps', '--identifier', `a=${'b'.repeat(256)}`], '1 to 255'],
    [
      'too many',
      ['x', '--group', 'pumps', ...Array.from({ length: 33 }, (_, i) => ['--attribute', `a${i}=1`]).flat()],
      'at most 32 attributes',
    ],
    ['no group', ['x'], '--group'],
  ])('refuses %s', async (_what, words, message) => {
    await expect(run('register', ...words)).rejects.toThrow(message);
    await expect(run('show', 'x')).rejects.toThrow('no device "x" is on record');
  });
});

describe('gatehouse device suspend and resume', () => {
  it('stops enrollment and ends that; certificates stay valid', async () => {
    const certificate = await issue('paused-1');
    expect(await run('suspend', 'paused-1')).toMatch(/^device paused-1 is suspended and gets nothing/);
    const refused = await enroll('paused-1');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('is suspended')]);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
    expect(await run('resume', 'paused-1')).toBe('device paused-1 may enroll again; it is operational');
    expect((await enroll('paused-1')).status).toBe(200);
    const about = { device: 'paused-1', division: 'plant', group: 'pumps', ...byPerson };
    expect((await contentsOf('device.suspended'))[0]).toMatchObject({ ...about, from: 'operational', to: 'suspended' });
    expect((await contentsOf('device.resumed'))[0]).toMatchObject({ ...about, from: 'suspended', to: 'operational' });
  });

  it('gives back the state that the certificates speak for', async () => {
    await run('register', 'paused-2', '--group', 'pumps');
    await run('suspend', 'paused-2');
    expect(await runJson('resume', 'paused-2')).toMatchObject([{ name: 'paused-2', state: 'registered' }]);

    const { store } = test.gateway.core;
    const { id } = (await store.devices.findByName({ division: 'plant', name: 'paused-2' })) ?? { id: '' };
    const other = await recordOf(test, await issue('paused-3'));
    const first = {
      ...other,
      deviceId: id,
      serialNumber: '0b',
      usage: 'bootstrap',
      certificateFingerprint: 'b',
    } as const;
    await store.commit({ statements: [store.certificates.insert(first)], audit: [] });
    await run('suspend', 'paused-2');
    expect(await run('resume', 'paused-2')).toContain('it is provisioned');
  });

  it('refuses what cannot be, and says why', async () => {
    await run('register', 'paused-4', '--group', 'pumps');
    await expect(run('resume', 'paused-4')).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'device "paused-4" is registered, not suspended',
    });
    await run('suspend', 'paused-4');
    await expect(run('suspend', 'paused-4')).rejects.toThrow('is suspended already');
    await run('retire', 'paused-4');
    for (const change of ['suspend', 'resume']) {
      await expect(run(change, 'paused-4')).rejects.toMatchObject({
        code: 'invalid-state',
        message: expect.stringContaining('is retired, which is for good; register the one that takes its place'),
      });
    }
  });
});

describe('gatehouse device retire', () => {
  it('revokes all certificates of the device, held ones too, and no other; the CRL has them when it ends', async () => {
    const [first, held, other] = [await issue('old-1'), await issue('old-1'), await issue('old-2')];
    await runCommand(certificateCommand, test, ['hold', held.serialNumber]);
    expect(await run('retire', 'old-1')).toBe(
      'device old-1 is retired; 2 certificates are revoked, and on the CRLs now',
    );
    for (const certificate of [first, held]) {
      expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked', revocationReason: 5 });
      expect(await reasonOnCrl(certificate)).toBe('cessationOfOperation');
    }
    expect(await recordOf(test, other)).toMatchObject({ status: 'valid' });
    const refused = await enroll('old-1');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('is retired')]);
    expect((await contentsOf('device.retired'))[0]).toMatchObject({
      device: 'old-1',
      from: 'operational',
      revoked: 2,
      ...byPerson,
    });
    expect((await contentsOf('certificate.revoked'))[0]).toMatchObject({
      reason: 'cessationOfOperation',
      because: 'the device is retired',
      ...byPerson,
    });
    await expect(run('retire', 'old-1')).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'device "old-1" is retired already, and nothing of it is valid',
    });
  });

  it('retires a suspended one, and one without certificates', async () => {
    await run('register', 'old-3', '--group', 'pumps');
    await run('suspend', 'old-3');
    expect(await run('retire', 'old-3')).toBe('device old-3 is retired; it had no valid certificate');
  });

  it('goes through many in parts, and finishes what an earlier run has left', async () => {
    const { store } = test.gateway.core;
    const record = await recordOf(test, await issue('old-4'));
    await insertCopies(test, record, { first: 0x1000, count: 249 });
    expect(await run('retire', 'old-4')).toContain('250 certificates are revoked');
    expect((await contentsOf('device.retired')).slice(0, 3)).toMatchObject([
      { from: 'retired', revoked: 50 },
      { from: 'retired', revoked: 100 },
      { from: 'operational', revoked: 100 },
    ]);
    await insertCopies(test, record, { first: 0x2000, count: 1 });
    expect(await run('retire', 'old-4')).toContain('1 certificate is revoked');
    expect(
      await store.certificates.unrevokedByDevice({
        deviceId: record.deviceId ?? '',
        at: Date.now(),
        after: '',
        limit: 10,
      }),
    ).toEqual([]);
  });

  it('leaves nothing valid of a device that enrolls at the same time', async () => {
    const record = await recordOf(test, await issue('old-5'));
    await Promise.all([run('retire', 'old-5'), ...Array.from({ length: 5 }, () => enroll('old-5'))]);
    const { certificates, devices } = test.gateway.core.store;
    const deviceId = record.deviceId ?? '';
    expect(await devices.findById({ id: deviceId })).toMatchObject({ state: 'retired' });
    expect(await certificates.unrevokedByDevice({ deviceId, at: Date.now(), after: '', limit: 10 })).toEqual([]);
  });
});

describe('gatehouse device list and show', () => {
  it('lists by division, group and state, as a table and as JSON', async () => {
    await run('register', 'list-1', '--group', 'valves', '--identifier', 'serial=1');
    const lines = (await run('list', '--group', 'valves')).split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^NAME {4}DIVISION {2}GROUP {3}STATE {7}REGISTERED {16}IDENTIFIERS$/),
      expect.stringMatching(/^list-1 {2}plant {5}valves {2}registered {2}\S{24} {2}serial=1$/),
    ]);
    expect(await runJson('list', '--group', 'valves', '--state', 'registered')).toMatchObject([
      { name: 'list-1', division: 'plant', group: 'valves', identifiers: { serial: '1' }, attributes: {} },
    ]);
    expect(await run('list', '--group', 'valves', '--state', 'retired')).toBe('no devices');
    expect(await run('list', '--group', 'valves', '--state', 'retired', '--json')).toBe('');
    const note = jest.spyOn(console, 'error').mockReturnValue(undefined);
    expect(await runJson('list', '--limit', '2')).toHaveLength(2);
    expect(note.mock.calls).toEqual([['there are more than 2 devices: narrow the list, or raise --limit']]);
    note.mockRestore();
    await expect(run('list', '--division', 'plants')).rejects.toThrow('there is no division "plants"');
    await expect(run('list', '--state', 'gone')).rejects.toThrow(/--state/);
  });

  it('shows the certificates and the history for people', async () => {
    const certificate = await issue('shown-1');
    await run('suspend', 'shown-1');
    const shown = await run('show', 'shown-1');
    expect(shown).toMatch(/^device shown-1: suspended\n {2}id: \S{36}\n {2}division: plant\n {2}group: pumps\n/);
    expect(shown).toContain(`${certificate.serialNumber.toLowerCase()}  valid`);
    expect(shown.indexOf('device.registered')).toBeGreaterThan(0);
    expect(shown.indexOf('device.suspended')).toBeGreaterThan(shown.indexOf('device.registered'));
  });

  it('asks for the division where two have a device of this name', async () => {
    await run('register', 'twin', '--group', 'pumps');
    await run('register', 'twin', '--group', 'desks');
    await expect(run('show', 'twin')).rejects.toThrow('add --division with one of office, plant');
    await run('suspend', 'twin', '--division', 'office');
    expect(await runJson('show', 'twin', '--division', 'plant')).toMatchObject([{ state: 'registered' }]);
    expect(await runJson('show', 'twin', '--division', 'office')).toMatchObject([{ state: 'suspended' }]);
  });
});

describe('gatehouse device list, searched and sorted', () => {
  it('finds by a part of a name or identifier, by an identifier, and in the order asked for', async () => {
    for (const name of ['found-1', 'found-2', 'found-3']) {
      await run('register', name, '--group', 'valves', '--identifier', `serial=F-${name.slice(-1)}`);
    }
    const names = async (...words: string[]) => (await runJson('list', ...words)).map(({ name }) => name);
    expect(await names('--search', 'FOUND')).toEqual(['found-1', 'found-2', 'found-3']);
    expect(await names('--search', 'f-2')).toEqual(['found-2']);
    expect(await names('--identifier', 'serial=F-3')).toEqual(['found-3']);
    expect(await names('--search', 'found', '--sort', '-name')).toEqual(['found-3', 'found-2', 'found-1']);
    expect(await names('--search', 'found', '--sort', '-registered', '--limit', '10')).toHaveLength(3);
    await expect(run('list', '--identifier', 'serial')).rejects.toThrow('name=value is expected');
    await expect(run('list', '--sort', 'age')).rejects.toThrow(/--sort/);
  });
});

describe('gatehouse device change, move, delete and history', () => {
  it('sets and removes identifiers and attributes', async () => {
    await run('register', 'changed-1', '--group', 'pumps', '--identifier', 'serial=1', '--attribute', 'site=north');
    const words = ['change', 'changed-1', '--identifier', 'mac=00:11', '--remove-identifier', 'serial'];
    expect(await run(...words)).toBe('device changed-1 is changed');
    expect(await run(...words)).toBe('device changed-1 is so already');
    expect(await runJson('change', 'changed-1', '--remove-attribute', 'site')).toMatchObject([
      { name: 'changed-1', identifiers: { mac: '00:11' }, attributes: {} },
    ]);
    await expect(run('change', 'changed-1')).rejects.toThrow('say what to change');
    await expect(run('change', 'changed-1', '--attribute', 'a=1', '--remove-attribute', 'a')).rejects.toThrow(
      'a is to be set and to be removed',
    );
  });

  it('moves a device, and says what does not fit there', async () => {
    const certificate = await issue('moved-1');
    const serial = certificate.serialNumber.toLowerCase();
    expect(await run('move', 'moved-1', '--group', 'valves')).toBe(
      'device moved-1 is in group valves; all its certificates fit',
    );
    const tried = (await run('move', 'moved-1', '--group', 'desks', '--dry-run')).split('\n');
    expect(tried).toEqual([
      'device moved-1 could be moved to group desks; 1 certificate does not fit there (valid still):',
      expect.stringMatching(/^SERIAL NUMBER +SUBJECT +WHY$/),
      expect.stringContaining('policy fleet is of division plant, the device of division office'),
    ]);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'valid' });
    expect(await runJson('move', 'moved-1', '--group', 'desks', '--revoke')).toMatchObject([
      {
        device: { name: 'moved-1', division: 'office', group: 'desks' },
        unfit: [{ serialNumber: serial, policy: 'fleet' }],
        unfitCount: 1,
        revokedCount: 1,
      },
    ]);
    expect(await reasonOnCrl(certificate)).toBe('affiliationChanged');
    await expect(run('move', 'moved-1', '--group', 'desk')).rejects.toThrow('there is no device group "desk"');
  });

  it('deletes one that never had a certificate', async () => {
    await run('register', 'pmup', '--group', 'pumps');
    expect(await run('delete', 'pmup')).toBe('device pmup is deleted');
    await expect(run('show', 'pmup')).rejects.toThrow('no device "pmup" is on record');
    await issue('gone-1');
    await expect(run('delete', 'gone-1')).rejects.toThrow('retire it instead');
  });

  it('shows the history, latest first', async () => {
    await issue('told-1');
    await run('suspend', 'told-1');
    await enroll('told-1');
    expect((await runJson('history', 'told-1')).map(({ action }) => action)).toEqual([
      'request.refused',
      'device.suspended',
      'device.registered',
      'certificate.issued',
    ]);
    expect(await run('history', 'told-1')).toMatch(/^\S+ {2}#\d+ {2}request\.refused {2}refused/);
  });
});

describe('gatehouse device compromise', () => {
  it('ends what the device could act with; the CRL says so when it ends', async () => {
    const certificate = await issue('lost-1');
    await makePasscode(test, { device: 'lost-1' });
    expect(await run('compromise', 'lost-1', '--since', '2026-01-01T00:00:00Z')).toBe(
      'device lost-1 is suspended and gets nothing; revoked: 1 certificate, 1 credential',
    );
    expect(await recordOf(test, certificate)).toMatchObject({
      status: 'revoked',
      revocationReason: 1,
      invalidityDate: Date.parse('2026-01-01T00:00:00Z'),
    });
    expect(await reasonOnCrl(certificate)).toBe('keyCompromise');
    expect((await contentsOf('device.compromised'))[0]).toMatchObject({ device: 'lost-1', ...byPerson });
  });

  it('prints JSON, and refuses what is no time or to come', async () => {
    await run('register', 'lost-2', '--group', 'pumps');
    await expect(run('compromise', 'lost-2', '--since', 'yesterday')).rejects.toThrow('yesterday');
    await expect(run('compromise', 'lost-2', '--since', '2999-01-01T00:00:00Z')).rejects.toThrow('in the future');
    expect(await runJson('compromise', 'lost-2')).toMatchObject([
      {
        device: { name: 'lost-2', state: 'suspended' },
        revokedCount: 0,
        credentialCount: 0,
        requestCount: 0,
        keyCount: 0,
      },
    ]);
  });

  it('is finished by the gateway that serves, after which the device can be resumed', async () => {
    await run('register', 'lost-3', '--group', 'pumps');
    await run('compromise', 'lost-3');
    const { id } = (await runJson('show', 'lost-3'))[0];
    const { compromises } = test.gateway.core.store;
    for (let waited = 0; waited < 5000 && (await compromises.find({ deviceId: id })) !== undefined; waited += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await run('resume', 'lost-3')).toBe('device lost-3 may enroll again; it is registered');
  });
});
