import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeDevice, deleteDevice } from '../../../src/devices/change-device.js';
import { compromiseDevice, finishCompromises } from '../../../src/devices/compromise-device.js';
import { resumeDevice, suspendDevice } from '../../../src/devices/device-state.js';
import { type Fields, fieldsOf } from '../../../src/devices/fields.js';
import { type DeviceMove, moveDevice } from '../../../src/devices/move-device.js';
import { registerDevice } from '../../../src/devices/register-device.js';
import { retireDevice } from '../../../src/devices/retire-device.js';
import { publishRevocations } from '../../../src/devices/revocations.js';
import { approveRequest } from '../../../src/enrollment/approve.js';
import { releaseCertificate, revokeCertificate } from '../../../src/enrollment/revoke.js';
import type { CertificateRecord } from '../../../src/store/certificate-record.js';
import type { Change } from '../../../src/store/change.js';
import type { DeviceRecord } from '../../../src/store/device-record.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import { expectRevocationsToFollow } from '../../support/crls.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { makeCertificate } from '../../support/make-chain.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { postOcsp } from '../../support/ocsp-client.js';
import { makeCertId, makeOcspRequest } from '../../support/ocsp-message.js';
import { alice as actor, by } from '../../support/operator.js';
import { insertCopies, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const more = `
divisions: [{ name: office }, { name: live, production: true }, { name: lab, production: false }]
deviceGroups:
  - { name: desks, division: office }
  - { name: closed, division: plant, enabled: false }
  - { name: spares, division: plant, policies: [other] }
  - { name: live, division: live }
  - { name: lab, division: lab }
  - { name: ulm, division: plant, policies: [fleet], filter: { field: attributes.site, equals: Ulm } }
profiles:
  - name: grouped
    template: device
    subject:
      - { attribute: commonName, source: request, required: true }
      - { attribute: organizationalUnitName, source: device, field: group }
    keyUsages: [digitalSignature]
    validity: 90d
`;

let test: TestGateway;
let est: EstClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(test, policyLike('other'));
  await applyYaml(test, more);
  await applyYaml(test, policyLike('grouped', 'profiles: [{ usage: operational, profile: grouped }]'));
  await applyYaml(test, policyLike('once', 'duplicates: revoke-previous'));
  est = createEstClient(test, { passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  await test.close();
});

const core = () => test.gateway.core;
const none: Fields = new Map();

function register(name: string, group = 'pumps', attributes: Fields = none): Promise<DeviceRecord> {
  return registerDevice({ name, group, identifiers: none, attributes, actor }, core());
}

function enroll(
  name: string,
  label = 'fleet',
  { client = est, key = newKey() }: { client?: EstClient; key?: KeyPair } = {},
) {
  return client.send(`/.well-known/est/${label}/simpleenroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/pkcs10' },
    body: Buffer.from(makeCsr({ subject: `CN=${name}`, key })).toString('base64'),
  });
}

async function issue(name: string, label = 'fleet'): Promise<X509Certificate> {
  return certificateOf(await enroll(name, label));
}

async function find(name: string, division = 'plant'): Promise<DeviceRecord> {
  const device = await core().store.devices.findByName({ division, name });
  if (device === undefined) throw new Error(`no device ${name}`);
  return device;
}

async function move(name: string, changes: Partial<DeviceMove> & { group: string }, division = 'plant') {
  return await moveDevice({ id: (await find(name, division)).id, certificates: 'report', actor, ...changes }, core());
}

async function events(device: string, limit = 100) {
  const found = await core().store.audit.list({ device, limit });
  return found.map(({ content }) => JSON.parse(content));
}

async function validOf(deviceId: string) {
  return await core().store.certificates.unrevokedByDevice({ deviceId, at: Date.now(), after: '', limit: 1000 });
}

describe('registering a device', () => {
  it('is done once, however many try at the same time', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 50 }, () => register('one')));
    const refused = tries.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'duplicate-request' });
    const [event] = await events((await find('one')).id);
    expect(event).toMatchObject({
      action: 'device.registered',
      actor: 'user alice',
      remoteAddress: '192.0.2.9',
      requestId: 'request-1',
      deviceId: (await find('one')).id,
    });
  });

  it.each([
    ['a dynamic group', 'ulm', 'invalid-state', 'device group ulm is dynamic'],
    ['a disabled group', 'closed', 'invalid-state', 'device group closed takes no new devices'],
    ['no group', 'gone', 'not-found', 'there is no device group "gone"'],
  ])('in %s is refused', async (_what, group, code, message) => {
    await expect(register('nowhere', group)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('stands or falls with what accompanies it', async () => {
    const guard = core().store.devices.requireState({ id: 'gone', state: 'registered' });
    const wanted = {
      name: 'alone',
      group: 'pumps',
      identifiers: none,
      attributes: none,
      actor,
      accompanying: () => [guard],
    };
    await expect(registerDevice(wanted, core())).rejects.toMatchObject({ code: 'unavailable' });
    expect(await core().store.devices.findByName({ division: 'plant', name: 'alone' })).toBeUndefined();
  });

  it('just in time is refused for a disabled group too, and its devices go on', async () => {
    await applyYaml(test, 'deviceGroups: [{ name: filling, division: plant }]');
    await applyYaml(test, policyLike('filling', 'defaultGroup: filling'));
    expect((await enroll('early', 'filling')).status).toBe(200);
    await applyYaml(test, 'deviceGroups: [{ name: filling, division: plant, enabled: false }]');
    const refused = await enroll('late', 'filling');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('takes no new devices')]);
    expect((await enroll('early', 'filling')).status).toBe(200);
  });
});

describe('a dynamic group', () => {
  it('lets in registered devices that match its filter, as they are now (EST label <policy>~<group>)', async () => {
    const unknown = await enroll('dynamic-0', 'fleet~ulm');
    expect([unknown.status, unknown.text]).toEqual([403, expect.stringContaining('"dynamic-0" is not registered')]);

    const device = await register('dynamic-1', 'valves');
    const outside = await enroll('dynamic-1', 'fleet~ulm');
    expect([outside.status, outside.text]).toEqual([403, expect.stringContaining('is not in group ulm')]);

    await changeDevice({ device, identifiers: none, attributes: new Map([['site', 'Ulm']]), actor }, core());
    expect((await enroll('dynamic-1', 'fleet~ulm')).status).toBe(200);
    expect(await find('dynamic-1')).toMatchObject({ groupName: 'valves', state: 'operational' });
    expect((await events(device.id)).map(({ action }) => action)).toEqual([
      'certificate.issued',
      'device.changed',
      'request.refused',
      'device.registered',
    ]);
  });

  it('takes no device that is moved', async () => {
    await register('dynamic-2');
    await expect(move('dynamic-2', { group: 'ulm' })).rejects.toMatchObject({ code: 'invalid-state' });
  });
});

describe('changing a device', () => {
  it('records what has changed, and nothing where nothing has', async () => {
    const device = await registerDevice(
      { name: 'changed', group: 'pumps', identifiers: new Map([['serial', '1']]), attributes: none, actor },
      core(),
    );
    const identifiers = new Map([['mac', '00:11']]);
    const attributes = new Map([['site', 'Ulm']]);
    const changed = await changeDevice({ device, identifiers, attributes, actor }, core());
    expect([fieldsOf(changed.identifiers), fieldsOf(changed.attributes)]).toEqual([identifiers, attributes]);
    expect(changed.updatedAt).toBeGreaterThan(device.updatedAt);
    const [event] = await events(device.id);
    expect(event).toMatchObject({
      action: 'device.changed',
      actor: 'user alice',
      device: 'changed',
      changes: [
        { field: 'identifiers.serial', from: '1' },
        { field: 'identifiers.mac', to: '00:11' },
        { field: 'attributes.site', to: 'Ulm' },
      ],
    });
    expect(await changeDevice({ device: changed, identifiers, attributes, actor }, core())).toEqual(changed);
    expect(await events(device.id)).toHaveLength(2);
    const bySerial = await core().store.devices.byIdentifier({ name: 'serial', value: '1', limit: 10 });
    const byMac = await core().store.devices.byIdentifier({ name: 'mac', value: '00:11', limit: 10 });
    expect([bySerial, byMac]).toEqual([[], [changed]]);
  });

  it('loses no edit: of fifty at the same time one is made, the others are told to read again', async () => {
    const device = await register('edited');
    const tries = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        changeDevice({ device, identifiers: none, attributes: new Map([['n', String(index)]]), actor }, core()),
      ),
    );
    const refused = tries.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) expect(reason).toMatchObject({ status: 412, code: 'invalid-state' });
    expect(await events(device.id)).toHaveLength(2);
  });

  it('is refused for a retired device, and for what no field may be', async () => {
    const device = await register('kept');
    const set = (attributes: Fields) => changeDevice({ device, identifiers: none, attributes, actor }, core());
    await expect(set(new Map([['__proto__', 'x']]))).rejects.toMatchObject({ code: 'malformed-request' });
    await expect(set(new Map([['a', '']]))).rejects.toMatchObject({ code: 'malformed-request' });
    await retireDevice({ id: device.id, actor }, core());
    const retired = { device: await find('kept'), identifiers: none, attributes: new Map([['a', 'b']]), actor };
    await expect(changeDevice(retired, core())).rejects.toMatchObject({ code: 'invalid-state' });
  });
});

describe('deleting a device', () => {
  it('takes it off the record; its name is free again, and the log has what it was', async () => {
    const device = await registerDevice(
      { name: 'typo', group: 'pumps', identifiers: new Map([['serial', '99']]), attributes: none, actor },
      core(),
    );
    await deleteDevice({ device, actor }, core());
    expect(await core().store.devices.findById({ id: device.id })).toBeUndefined();
    const [event] = await events(device.id);
    expect(event).toMatchObject({ action: 'device.deleted', device: 'typo', identifiers: { serial: '99' } });
    expect(await register('typo')).toMatchObject({ name: 'typo' });
  });

  it('is refused for one that has had a certificate, also by a request at the same time', async () => {
    await issue('used');
    await expect(deleteDevice({ device: await find('used'), actor }, core())).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('retire it instead'),
    });
    const device = await register('racing');
    const [deleted, answer] = await Promise.allSettled([deleteDevice({ device, actor }, core()), enroll('racing')]);
    expect(answer).toMatchObject({ status: 'fulfilled', value: { status: 200 } });
    const { id } = await find('racing');
    expect(await validOf(id)).toHaveLength(1);
    // Deleted first, the request has registered it anew.
    expect(id === device.id).toBe(deleted.status === 'rejected');
  });
});

describe('moving a device', () => {
  it('reports which certificates do not fit there, and why', async () => {
    const [byFleet, byOther, byGroup] = [
      await issue('moved-1'),
      await issue('moved-1', 'other'),
      await issue('moved-1', 'grouped'),
    ];
    const serials = [byFleet, byOther, byGroup].map(({ serialNumber }) => serialNumber.toLowerCase());
    const why = async (changes: Partial<DeviceMove> & { group: string }) => {
      const { unfit, unfitCount } = await move('moved-1', changes);
      expect(unfitCount).toBe(unfit.length);
      return Object.fromEntries(
        unfit.map(({ certificate, reason }) => [serials.indexOf(certificate.serialNumber), reason]),
      );
    };
    expect(await why({ group: 'valves', dryRun: true })).toEqual({
      1: 'device group valves has other policies than other',
      2: 'device group valves has other policies than grouped',
    });
    expect(await why({ group: 'desks', dryRun: true })).toEqual({
      0: 'policy fleet is of division plant, the device of division office',
      1: 'policy other is of division plant, the device of division office',
      2: 'policy grouped is of division plant, the device of division office',
    });
    expect(await find('moved-1')).toMatchObject({ groupName: 'pumps' });
    await applyYaml(test, 'deviceGroups: [{ name: open, division: plant }]');
    expect(await why({ group: 'open' })).toEqual({
      2: 'its subject attribute organizationalUnitName is "pumps", which for device group open is "open"',
    });
    const device = await find('moved-1');
    expect(device).toMatchObject({ groupName: 'open', state: 'operational' });
    expect(await validOf(device.id)).toHaveLength(3);
    const [event] = await events(device.id);
    expect(event).toMatchObject({
      action: 'device.moved',
      actor: 'user alice',
      group: 'open',
      from: { division: 'plant', group: 'pumps' },
    });
  });

  it('revokes them where that is wanted, held ones too, and no others', async () => {
    const [fits, held] = [await issue('moved-2', 'other'), await issue('moved-2')];
    const heldRecord = await recordOf(test, held);
    const hold = core().store.certificates.hold({ id: heldRecord.id, at: Date.now() });
    await core().store.commit({ statements: [hold], audit: [] });
    const { device, unfit, revoked } = await move('moved-2', { group: 'spares', certificates: 'revoke' });
    expect(device).toMatchObject({ groupName: 'spares', state: 'operational' });
    expect(unfit).toMatchObject([{ certificate: { id: heldRecord.id } }]);
    expect(revoked.map(({ id }) => id)).toEqual([heldRecord.id]);
    // affiliationChanged
    expect(await recordOf(test, held)).toMatchObject({ status: 'revoked', revocationReason: 3 });
    expect(await recordOf(test, fits)).toMatchObject({ status: 'valid' });
    expect((await events(device.id)).slice(0, 2)).toMatchObject([
      {
        action: 'certificate.revoked',
        because: 'the device is in group spares: device group spares has other policies than fleet',
      },
      { action: 'device.moved' },
    ]);
  });

  it('goes through many in parts, and the same move again revokes what a crash has left', async () => {
    const record = await recordOf(test, await issue('moved-3'));
    await insertCopies(test, record, { first: 0x1000, count: 249 });
    const first = await move('moved-3', { group: 'desks', certificates: 'revoke' });
    expect([first.unfitCount, first.revoked.length]).toEqual([250, 250]);
    await insertCopies(test, record, { first: 0x2000, count: 2 });
    const again = await move('moved-3', { group: 'desks', certificates: 'revoke' }, 'office');
    expect(again.revoked).toHaveLength(2);
    expect(await validOf(record.deviceId ?? '')).toEqual([]);
    const moves = (await events(record.deviceId ?? '', 1000)).filter(({ action }) => action === 'device.moved');
    expect(moves).toHaveLength(1);
    const idle = await move('moved-3', { group: 'desks', certificates: 'revoke' }, 'office');
    expect([idle.unfitCount, idle.revoked]).toEqual([0, []]);
  });

  it('between production and non-production divisions is refused, tried out or done', async () => {
    await register('marked', 'lab');
    await register('plain', 'pumps');
    for (const dryRun of [true, false]) {
      await expect(move('marked', { group: 'live', dryRun }, 'lab')).rejects.toMatchObject({
        code: 'invalid-state',
        message: expect.stringContaining('division lab is marked non-production, division live production'),
      });
    }
    expect(await move('plain', { group: 'live' })).toMatchObject({ device: { division: 'live', groupName: 'live' } });
  });

  it.each([
    ['where its name is taken', 'twin', 'desks', 'duplicate-request'],
    ['to a disabled group', 'twin', 'closed', 'invalid-state'],
    ['to no group', 'twin', 'gone', 'not-found'],
    ['of a retired device', 'gone', 'valves', 'invalid-state'],
  ])('%s is refused', async (_what, name, group, code) => {
    await register('twin').catch(() => undefined);
    await register('twin', 'desks').catch(() => undefined);
    await register('gone').catch(() => undefined);
    const gone = await find('gone');
    if (gone.state !== 'retired') await retireDevice({ id: gone.id, actor }, core());
    await expect(move(name, { group })).rejects.toMatchObject({ code });
    expect((await find(name)).groupName).toBe('pumps');
  });

  it('to where another of its name comes at the same time leaves one of them where it was', async () => {
    await register('meeting');
    const tries = await Promise.allSettled([register('meeting', 'desks'), move('meeting', { group: 'desks' })]);
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await find('meeting', 'office')).toMatchObject({ groupName: 'desks' });
  });
});

describe('retiring a device', () => {
  it('is for good, whatever else was about to be done to it', async () => {
    const { id } = await register('at-its-end');
    const change = { id, actor };
    let left = 1;
    const commit = async (writes: Change) => {
      if (left-- > 0) await retireDevice(change, core());
      await core().store.commit(writes);
    };
    const slower = { ...core(), store: { ...core().store, commit } };
    await expect(suspendDevice(change, slower)).rejects.toMatchObject({ code: 'invalid-state' });
    expect(await find('at-its-end')).toMatchObject({ state: 'retired' });
    await expect(resumeDevice(change, core())).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('revokes what it has, and nothing else is to be had', async () => {
    const certificate = await issue('worn-out');
    const { id } = await find('worn-out');
    const revoked = await retireDevice({ id, actor }, core());
    expect(revoked.map(({ serialNumber }) => serialNumber)).toEqual([(await recordOf(test, certificate)).serialNumber]);
    expect(await recordOf(test, certificate)).toMatchObject({ status: 'revoked', revocationReason: 5 });
    expect((await enroll('worn-out')).status).toBe(403);
  });
});

describe('devices that enroll at the same time', () => {
  it('as they are moved keep nothing that does not fit', async () => {
    const { deviceId } = await recordOf(test, await issue('busy-1'));
    const id = deviceId ?? '';
    const enrollments = Array.from({ length: 12 }, () => enroll('busy-1'));
    const moved = await move('busy-1', { group: 'spares', certificates: 'revoke' });
    const answers = await Promise.all(enrollments);
    expect(moved.device).toMatchObject({ groupName: 'spares' });
    // The label names no group, so that the policy goes on serving the device there; what it had by then is revoked.
    const before = new Set(moved.revoked.map((record) => record.id));
    expect(before.size).toBeGreaterThan(0);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const happened = await events(id, 1000);
    const after = happened.slice(
      0,
      happened.findIndex(({ action }) => action === 'device.moved'),
    );
    const issued = after.filter(({ action }) => action === 'certificate.issued').map(({ subject }) => subject);
    expect((await validOf(id)).map((record) => record.id).toSorted()).toEqual(issued.toSorted());
  });

  it('as they are moved to another division get nothing there by the old policy', async () => {
    const { deviceId } = await recordOf(test, await issue('busy-2'));
    const enrollments = Array.from({ length: 12 }, () => enroll('busy-2'));
    await move('busy-2', { group: 'desks', certificates: 'revoke' });
    await Promise.all(enrollments);
    expect(await validOf(deviceId ?? '')).toEqual([]);
    expect(await find('busy-2', 'office')).toMatchObject({ id: deviceId });
  });

  it('as they are suspended get nothing afterwards', async () => {
    const { deviceId } = await recordOf(test, await issue('busy-3', 'once'));
    const id = deviceId ?? '';
    const enrollments = Array.from({ length: 12 }, () => enroll('busy-3', 'once'));
    await suspendDevice({ id, actor }, core());
    const answers = await Promise.all(enrollments);
    for (const { status, text } of answers.filter((each) => each.status !== 200)) {
      expect([status, text]).toEqual([403, expect.stringContaining('is suspended')]);
    }
    const happened = (await events(id)).map(({ action, outcome }) => `${action} ${outcome}`);
    expect(happened.indexOf('device.suspended success')).toBeLessThan(happened.indexOf('certificate.issued success'));
    await resumeDevice({ id, actor }, core());
    expect(await find('busy-3')).toMatchObject({ state: 'operational' });
  });
});

describe('the history of a device', () => {
  const namesDevice = (action: string) => (action === 'request.refused' ? undefined : 'storied');

  it('has all that happened to it and its certificates, across a move, latest first and in pages', async () => {
    const certificate = await issue('storied', 'once');
    const { deviceId } = await recordOf(test, certificate);
    const id = deviceId ?? '';
    await issue('storied', 'once');
    await suspendDevice({ id, actor }, core());
    await enroll('storied');
    await resumeDevice({ id, actor }, core());
    await move('storied', { group: 'desks', certificates: 'revoke' });
    await retireDevice({ id, actor }, core());
    const all = await events(id);
    expect(all.map(({ action }) => action)).toEqual([
      'device.retired',
      'certificate.revoked',
      'device.moved',
      'device.resumed',
      'request.refused',
      'device.suspended',
      'certificate.revoked',
      'certificate.issued',
      'device.registered',
      'certificate.issued',
    ]);
    expect(all.every((event) => event.deviceId === id)).toBe(true);
    for (const { action, device } of all) expect([action, device]).toEqual([action, namesDevice(action)]);
    const revocations = all.filter(({ action }) => action === 'certificate.revoked');
    expect(revocations.map(({ division }) => division)).toEqual(['office', 'plant']);
    expect(all[4]).toMatchObject({ outcome: 'refused', code: 'forbidden', protocol: 'est' });
    const { audit } = core().store;
    const first = await audit.list({ device: id, limit: 4 });
    const second = await audit.list({ device: id, limit: 100, before: first.at(-1)?.sequence ?? 0 });
    expect([...first, ...second].map(({ content }) => JSON.parse(content))).toEqual(all);
  });

  it('has no refusals of strangers that name it', async () => {
    const { id } = await register('named');
    const stranger = createEstClient(test, { passcode: 'wrong' });
    const refused = await stranger.send('/.well-known/est/fleet/simpleenroll', {
      method: 'POST',
      headers: { 'content-type': 'application/pkcs10' },
      body: Buffer.from(makeCsr({ subject: 'CN=named', key: newKey() })).toString('base64'),
    });
    stranger.close();
    expect(refused.status).toBe(401);
    expect((await events(id)).map(({ action }) => action)).toEqual(['device.registered']);
  });
});

describe('a compromised device', () => {
  const since = new Date(Date.now() - 3_600_000);

  async function certificatesOf(deviceId: string) {
    const found = await core().store.certificates.list({ deviceId, limit: 1000 });
    return found.map(({ id, status, revocationReason, invalidityDate }) => ({
      id,
      said: `${status} ${revocationReason} ${invalidityDate}`,
    }));
  }

  async function statusByOcsp(certificate: X509Certificate) {
    const issuer = core().authority.generation('devices-1')?.certificate.der;
    if (issuer === undefined) throw new Error('no issuer');
    const certId = makeCertId({ issuer, serialNumber: certificate.serialNumber.toLowerCase() });
    const { response } = await postOcsp(test, makeOcspRequest([certId]));
    return response?.statuses[0];
  }

  async function reasonsOnCrl(): Promise<ReadonlyMap<string, string | undefined>> {
    const crl = await core().store.crls.find({ issuerId: 'devices-1', partition: 0 });
    const { revokedCertificates } = decodeCertificateList(crl?.der ?? new Uint8Array());
    return new Map(revokedCertificates.map(({ serialNumber, reason }) => [serialNumber, reason]));
  }

  it('has all its certificates revoked, also held, expired and superseded ones, in OCSP and on the CRL at once (RFC 5280 5.3.1, 5.3.2)', async () => {
    const keys = [newKey(), newKey(), newKey()] as const;
    const [good, held, old] = [
      certificateOf(await enroll('lost-1', 'fleet', { key: keys[0] })),
      certificateOf(await enroll('lost-1', 'fleet', { key: keys[1] })),
      certificateOf(await enroll('lost-1', 'fleet', { key: keys[2] })),
    ];
    const [record, heldRecord, oldRecord] = [
      await recordOf(test, good),
      await recordOf(test, held),
      await recordOf(test, old),
    ];
    const change = ({ issuerId, serialNumber }: CertificateRecord) => ({ issuerId, serialNumber, actor });
    await revokeCertificate({ ...change(heldRecord), reason: 'certificateHold' }, core());
    await revokeCertificate({ ...change(oldRecord), reason: 'superseded' }, core());
    await insertCopies(test, { ...record, notAfter: Date.now() - 1000 }, { first: 0x3000, count: 1 });
    const id = record.deviceId ?? '';
    const ended = await compromiseDevice({ id, since, actor }, core());
    expect(ended).toMatchObject({ credentialCount: 0, requestCount: 0, keyCount: 0 });
    expect(ended.certificates).toHaveLength(4);
    const all = await certificatesOf(id);
    expect(all.map(({ said }) => said)).toEqual(Array.from({ length: 4 }, () => `revoked 1 ${since.getTime()}`));
    const revokedAt = expect.any(Date);
    expect(await statusByOcsp(good)).toMatchObject({ status: 'revoked', reason: 1, revokedAt });
    await publishRevocations(ended.certificates, core());
    const reasons = await reasonsOnCrl();
    for (const certificate of [good, held, old]) {
      expect(reasons.get((await recordOf(test, certificate)).serialNumber)).toBe('keyCompromise');
    }
    expect(await find('lost-1')).toMatchObject({ state: 'suspended' });
    const refused = await enroll('lost-1');
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('is suspended')]);
    expect((await events(id)).find(({ action }) => action === 'device.compromised')).toMatchObject({
      actor: 'user alice',
      from: 'operational',
      to: 'suspended',
      since: since.toISOString(),
      certificates: 4,
      device: 'lost-1',
    });
    await expect(releaseCertificate(change(heldRecord), core())).rejects.toMatchObject({ code: 'invalid-state' });

    await settle();
    await resumeDevice({ id, actor }, core());
    for (const key of keys) {
      const again = await enroll('lost-1', 'fleet', { key });
      expect([again.status, again.text]).toEqual([400, expect.stringContaining('because the key was compromised')]);
    }
    expect((await enroll('lost-1')).status).toBe(200);
  });

  it('has the credentials that are bound to it revoked, of every kind, and no others', async () => {
    const device = await register('lost-2');
    const passcodes = [
      await makePasscode(test, { device: 'lost-2' }),
      await makePasscode(test, { device: 'not-lost' }),
      await makePasscode(test, {}),
    ];
    const bound = 'registeredValues: { device: lost-2 }';
    const certificate = yamlPem((await issue('lost-2')).raw);
    await applyYaml(
      test,
      `authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
      - { kind: cmp-secret, name: lost-secret, reference: lost-2, secret: open-sesame, ${bound} }
      - { kind: acme-account-key, name: lost-account, keyId: lost-2, hmacKey: ${Buffer.alloc(32).toString('base64url')}, ${bound} }
      - { kind: key-wrap-key, name: lost-wrap, identifier: lost-2, key: "${'00'.repeat(16)}", ${bound} }
      - { kind: authentication-certificate, name: lost-certificate, certificate: ${certificate}, ${bound} }
`,
    );
    const { credentials } = core().store;
    const [own] = await core().store.certificates.list({ deviceId: device.id, limit: 1 });
    const passphrase = { authenticationPolicy: 'fleet', name: `lineage:${own?.id}` };
    const model = await credentials.findByName({ authenticationPolicy: 'fleet', name: 'lost-secret' });
    if (model === undefined) throw new Error('no credential');
    const set = {
      ...model,
      ...passphrase,
      id: 'lost-passphrase',
      kind: 'revocation-passphrase',
      source: 'message',
    } as const;
    await core().store.commit({
      statements: [credentials.insert({ ...set, lookup: 'aa', registeredValues: null })],
      audit: [],
    });

    const ended = await compromiseDevice({ id: device.id, actor }, core());
    expect(ended).toMatchObject({ credentialCount: 6 });
    for (const name of ['lost-secret', 'lost-account', 'lost-wrap', 'lost-certificate', passphrase.name]) {
      const record = await credentials.findByName({ authenticationPolicy: 'fleet', name });
      expect([name, typeof record?.revokedAt]).toEqual([name, 'number']);
    }
    const told = (await events(device.id)).filter(({ action }) => action === 'credential.revoked');
    expect(told).toHaveLength(6);
    expect(told[0]).toMatchObject({ actor: 'user alice', division: 'plant', because: 'the device is compromised' });

    await settle();
    await resumeDevice({ id: device.id, actor }, core());
    const statuses: number[] = [];
    for (const [index, name] of ['lost-2', 'not-lost', 'whoever'].entries()) {
      const client = createEstClient(test, { passcode: passcodes[index] ?? '' });
      statuses.push((await enroll(name, 'fleet', { client })).status);
      client.close();
    }
    expect(statuses).toEqual([401, 200, 200]);
  });

  it('has the certificate of its maker that it was let in by revoked, and keeps those of others who asked for it', async () => {
    const [maker, agent] = [makeCertificate({ subject: 'CN=lost-7' }), makeCertificate({ subject: 'CN=agent' })];
    const pinned = (name: string, der: Uint8Array) =>
      `{ kind: authentication-certificate, name: ${name}, certificate: ${yamlPem(der)} }`;
    const credentials = [pinned('maker-7', maker), pinned('agent-7', agent)];
    await applyYaml(
      test,
      `authenticationPolicies: [{ name: fleet, division: plant, credentials: [${credentials.join(', ')}] }]`,
    );
    const record = await recordOf(test, await issue('lost-7'));
    const copies = await Promise.all(
      ['maker-7', 'agent-7'].map(async (name) => {
        const found = await core().store.credentials.findByName({ authenticationPolicy: 'fleet', name });
        return { ...record, requester: `authentication-certificate:${found?.id}:${'ab'.repeat(32)}` };
      }),
    );
    for (const [index, copy] of copies.entries()) await insertCopies(test, copy, { first: 0x5000 + index, count: 1 });
    await compromiseDevice({ id: record.deviceId ?? '', actor }, core());
    const revoked = (await events(record.deviceId ?? '')).filter(({ action }) => action === 'credential.revoked');
    expect(revoked.map(({ name }) => name)).toEqual(['maker-7']);
  });

  it('has its requests that wait withdrawn, and no others', async () => {
    await applyYaml(test, policyLike('asking', 'approval: manual'));
    await register('lost-3');
    expect([(await enroll('lost-3', 'asking')).status, (await enroll('patient', 'asking')).status]).toEqual([202, 202]);
    const { id } = await find('lost-3');
    expect(await compromiseDevice({ id, actor }, core())).toMatchObject({ requestCount: 1 });
    const waiting = await core().store.enrollmentTransactions.list({ policy: 'asking', limit: 10 });
    expect(waiting.map(({ state, decidedBy, reason }) => ({ state, decidedBy, reason }))).toEqual([
      { state: 'rejected', decidedBy: 'user alice', reason: 'the device is compromised' },
      { state: 'pending', decidedBy: null, reason: null },
    ]);
    await expect(approveRequest(waiting[0]?.requestId ?? '', by('bob'), core())).rejects.toMatchObject({
      code: 'invalid-state',
    });
  });

  it('is dealt with once, however many say so at the same time; the others are told', async () => {
    const certificate = await issue('lost-4');
    const { deviceId } = await recordOf(test, certificate);
    const id = deviceId ?? '';
    const tries = await Promise.allSettled(Array.from({ length: 50 }, () => compromiseDevice({ id, actor }, core())));
    const refused = tries.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(49);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: 'invalid-state',
        message: 'device "lost-4" is suspended already, and nothing is left that it could act with',
      });
    }
    const actions = (await events(id)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'device.compromised')).toHaveLength(1);
    expect(actions.filter((action) => action === 'certificate.revoked')).toHaveLength(1);
  });

  it('stays retired if it was; what was revoked for that is revoked for its compromise, that of a CA for its own (RFC 5280 5.3.1)', async () => {
    const record = await recordOf(test, await issue('lost-5'));
    const id = record.deviceId ?? '';
    await retireDevice({ id, actor }, core());
    const ca = { ...record, usage: 'intermediate' } as const;
    await insertCopies(test, ca, { first: 0x6000, count: 1 });
    for (const since of [new Date(Date.now() + 60_000), new Date('-000001-12-31T23:59:59Z')]) {
      await expect(compromiseDevice({ id, since, actor }, core())).rejects.toMatchObject({ status: 422 });
    }
    await compromiseDevice({ id, actor }, core());
    expect(await find('lost-5')).toMatchObject({ state: 'retired' });
    const said = new Map((await certificatesOf(id)).map((each) => [each.id, each.said]));
    expect([said.get(record.id), said.get('devices-1:6000')]).toEqual(['revoked 1 null', 'revoked 2 null']);
    const [event] = (await events(id)).filter(
      ({ action, subject }) => action === 'certificate.revoked' && subject === record.id,
    );
    expect(event).toMatchObject({ reason: 'keyCompromise', reasonBefore: 'cessationOfOperation' });
  });

  it('is gone on with after a crash and a restart, by whom it was begun; it cannot be resumed before', async () => {
    const record = await recordOf(test, await issue('lost-6'));
    await insertCopies(test, record, { first: 0x4000, count: 249 });
    const id = record.deviceId ?? '';
    const done: Change[] = [];
    const commit = async (change: Change) => {
      if (done.length === 1) throw new Error('killed');
      await core().store.commit(change);
      done.push(change);
    };
    const dying = { ...core(), store: { ...core().store, commit } };
    await expect(compromiseDevice({ id, since, actor }, dying)).rejects.toThrow('killed');
    expect(await validOf(id)).toHaveLength(150);
    // Its CRL waits for nothing more, whoever publishes it.
    expect(done[0]?.statements).toContainEqual(core().store.crls.hasten({ issuerId: 'devices-1', partition: 0 }));
    await expect(resumeDevice({ id, actor }, core())).rejects.toMatchObject({
      code: 'invalid-state',
      message: expect.stringContaining('is compromised, and what it could act with is not all ended yet'),
    });

    // What cannot be dealt with at the moment keeps no other device waiting.
    const forgetDevice = () => Promise.reject(new Error('broken'));
    const clock = inAMinute();
    await finishCompromises({ ...core(), protocols: [{ name: 'broken', forgetDevice }], clock });
    expect(await core().store.compromises.left({ before: clock.now().getTime() - 1, limit: 10 })).toEqual([]);

    est.close();
    test = await test.restart();
    est = createEstClient(test, { passcode: fleetPasscode });
    await settle(inAMinute(2));
    const said = new Set((await certificatesOf(id)).map((each) => each.said));
    expect(said).toEqual(new Set([`revoked 1 ${since.getTime()}`]));
    const acts = (await events(id, 1000)).filter(({ action }) => action === 'device.compromised');
    expect(acts.map(({ actor: name, certificates }) => [name, certificates])).toEqual([
      ['user alice', 50],
      ['user alice', 100],
      ['user alice', 100],
    ]);
    expect(await resumeDevice({ id, actor }, core())).toBe('operational');
  });

  function inAMinute(minutes = 1) {
    const at = new Date(Date.now() + minutes * 60_000);
    return { now: () => at };
  }

  /** What the gateway does every second, a minute from now. */
  async function settle(clock = inAMinute()): Promise<void> {
    await finishCompromises({ ...core(), protocols: [], clock });
    expect(await core().store.compromises.left({ before: Number.MAX_SAFE_INTEGER, limit: 10 })).toEqual([]);
  }
});

describe('what CRLs are made from', () => {
  it('says of every certificate what its record says, after all of this', () => {
    expectRevocationsToFollow(test);
  });
});
