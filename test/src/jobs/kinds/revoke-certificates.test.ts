import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeJob } from '../../../../src/jobs/change-job.js';
import { createJobKinds } from '../../../../src/jobs/job-kinds.js';
import { type JobRunner, startJobRunner } from '../../../../src/jobs/runner.js';
import type { Core } from '../../../../src/open-core.js';
import { caGeneration, certificate, device } from '../../store/temporary-store.js';
import { actor, finished, jobThat, openJobCore, rowsOf, submit } from '../job-store.js';

const configuration = `
divisions: [{ name: plant }, { name: office }]
deviceGroups:
  - { name: pumps, division: plant, policies: [fleet] }
  - { name: printers, division: office, policies: [desk] }
  - { name: ulm, division: plant, filter: { field: attributes.site, equals: Ulm } }
certificateAuthorities:
  - { name: root, subject: "CN=Root", key: ec-p384, validity: 20y }
  - { name: devices, parent: root, subject: "CN=Devices", key: ec-p256, validity: 10y, pathLength: 0 }
templates:
  - name: device
    keys: { ec: { curves: [P-256] } }
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: device
    template: device
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    extendedKeyUsages: [clientAuth]
    validity: 90d
authenticationPolicies:
  - { name: plant, division: plant, credentials: [{ kind: passcode, name: one, secret: some-passcode }] }
  - { name: office, division: office, credentials: [{ kind: passcode, name: one, secret: some-passcode }] }
policies:
  - { name: fleet, division: plant, authenticationPolicy: plant, profiles: [{ usage: operational, profile: device }], issuingCa: devices, methods: [est], keyGeneration: [device], defaultGroup: pumps }
  - { name: desk, division: office, authenticationPolicy: office, profiles: [{ usage: operational, profile: device }], issuingCa: devices, methods: [est], keyGeneration: [device], defaultGroup: printers }
`;

let core: Core & { readonly data: string };
let runner: JobRunner;
const tomorrow = Date.now() + 86_400_000;
let serial = 0x10;

beforeAll(async () => {
  core = await openJobCore(configuration);
  const { caGenerations } = core.store;
  await core.store.commit({
    statements: [caGenerations.insert(caGeneration({ id: 'plant-1', ca: 'other' }))],
    audit: [],
  });
  runner = startJobRunner(core, createJobKinds(core));
});

afterAll(async () => {
  await runner.close();
  await core.close();
});

interface Held {
  readonly deviceId?: string;
  readonly policy?: string;
  readonly notAfter?: number;
}

/** Puts a certificate on record; returns its serial number. */
async function issue({ deviceId, policy = 'fleet', notAfter = tomorrow }: Held = {}): Promise<string> {
  const serialNumber = (serial++).toString(16);
  const changes = {
    policy,
    notAfter,
    certificateFingerprint: fingerprintOf(serialNumber),
    ...(deviceId === undefined ? {} : { deviceId }),
  };
  await core.store.commit({
    statements: [core.store.certificates.insert(certificate(serialNumber, changes))],
    audit: [],
  });
  return serialNumber;
}

function fingerprintOf(serialNumber: string): string {
  return createHash('sha256').update(serialNumber).digest('hex');
}

async function register(name: string, changes: Parameters<typeof device>[1] = {}): Promise<string> {
  const record = device(name, { name, division: 'plant', groupName: 'pumps', ...changes });
  await core.store.commit({ statements: [core.store.devices.insert(record)], audit: [] });
  return record.id;
}

async function statusOf(serialNumber: string): Promise<[string | undefined, number | null | undefined]> {
  const record = await core.store.certificates.findByIssuerAndSerial('plant-1', serialNumber);
  return [record?.status, record?.revocationReason];
}

async function revoke(content: string, options = {}) {
  const wanted = { kind: 'revoke-certificates', options: { division: 'plant', ...options }, content };
  const { id } = await submit(core, wanted);
  return await finished(core, id);
}

describe('a batch revocation', () => {
  it('revokes by issuer and serial number, by fingerprint and by device, each with its reason', async () => {
    const pump = await register('pump-1', { id: 'id-of-pump-1' });
    const [one, two, three, four] = [
      await issue(),
      await issue(),
      await issue({ deviceId: pump }),
      await issue({ deviceId: pump }),
    ];
    const job = await revoke(
      `issuer,serialNumber,fingerprint,device,reason\nplant-1,${one},,,\n,,${fingerprintOf(two)},,superseded\n,,,pump-1,\n`,
      { reason: 'keyCompromise' },
    );
    expect(job).toMatchObject({ done: 3, failed: 0 });
    expect(await Promise.all([one, two, three, four].map(statusOf))).toEqual([
      ['revoked', 1],
      ['revoked', 4],
      ['revoked', 1],
      ['revoked', 1],
    ]);
    expect((await rowsOf(core, job.id)).map(({ result }) => result)).toEqual([
      '{"revoked":"1"}',
      '{"revoked":"1"}',
      '{"revoked":"2"}',
    ]);
    const [event] = await core.store.audit.list({ subject: `plant-1:${two}`, limit: 1 });
    expect(JSON.parse(event?.content ?? '')).toMatchObject({
      action: 'certificate.revoked',
      reason: 'superseded',
      actor: 'user alice',
      remoteAddress: '192.0.2.1',
      job: job.id,
      row: 2,
    });
    const history = await core.store.audit.list({ device: pump, limit: 10 });
    expect(history.map(({ content }) => JSON.parse(content))).toEqual(
      [four, three].map((serialNumber) =>
        expect.objectContaining({
          action: 'certificate.revoked',
          subject: `plant-1:${serialNumber}`,
          division: 'plant',
          device: 'pump-1',
          deviceId: pump,
        }),
      ),
    );
  });

  it('refuses what is not there, revoked already, or of another division', async () => {
    const revoked = await issue();
    await revoke(`issuer,serialNumber\nplant-1,${revoked}\n`);
    const foreign = await issue({ policy: 'desk' });
    const removed = await issue({ policy: 'gone' });
    await register('printer-1', { division: 'office', groupName: 'printers' });
    await register('empty');
    const names = [revoked, foreign, removed, 'ffff'].map((name) => `plant-1,${name},,\n`).join('');
    const job = await revoke(`issuer,serialNumber,device,reason\n${names},,printer-1,\n,,empty,\n`);
    expect((await rowsOf(core, job.id)).map(({ errorCode }) => errorCode)).toEqual([
      'already-revoked',
      'unknown-certificate',
      'unknown-certificate',
      'unknown-certificate',
      'not-found',
      'already-revoked',
    ]);
    expect((await statusOf(foreign))[0]).toBe('valid');
  });

  it.each([
    ['no name', '{}'],
    ['two names', '{"device":"a","fingerprint":"00"}'],
    ['a serial number without issuer', '{"serialNumber":"0a"}'],
    ['colons', '{"issuer":"plant-1","serialNumber":"0A:0B"}'],
    ['a reason that is no final one', '{"device":"a","reason":"certificateHold"}'],
  ])('fails a row with %s', async (_, row) => {
    const wanted = {
      kind: 'revoke-certificates',
      options: { division: 'plant' },
      content: row,
      format: 'jsonl' as const,
    };
    const { id } = await submit(core, wanted);
    expect(await finished(core, id)).toMatchObject({ total: 1, failed: 1 });
  });

  it('revokes all that fit a selection when the job runs, of its division alone', async () => {
    const lost = await register('lost', { groupName: 'pumps' });
    const [fitting, held] = [await issue({ deviceId: lost }), await issue({ deviceId: lost })];
    const [foreign, expired, deviceless] = [
      await issue({ deviceId: lost, policy: 'desk' }),
      await issue({ deviceId: lost, notAfter: Date.now() - 1 }),
      await issue(),
    ];
    await core.store.commit({
      statements: [core.store.certificates.hold({ id: `plant-1:${held}`, at: Date.now() })],
      audit: [],
    });
    const wanted = {
      kind: 'revoke-certificates',
      options: { division: 'plant', reason: 'cessationOfOperation' },
      selection: { group: 'pumps', issuer: 'plant-1' },
    };
    const { id } = await submit(core, wanted);
    expect(await finished(core, id)).toMatchObject({ done: 2, failed: 0 });
    const states = (await Promise.all([fitting, held, foreign, expired, deviceless].map(statusOf))).map(
      ([state]) => state,
    );
    expect(states).toEqual(['revoked', 'revoked', 'valid', 'valid', 'valid']);
    const policy = await submit(core, { ...wanted, selection: { policy: 'fleet' } });
    await finished(core, policy.id);
    expect((await statusOf(deviceless))[0]).toBe('revoked');
    expect((await statusOf(foreign))[0]).toBe('valid');
  });

  it('selects by a dynamic group, with the devices that are in it when the job runs', async () => {
    const attributes = JSON.stringify({ site: 'Ulm' });
    const [left, joined] = [await register('left', { attributes }), await register('joined')];
    const [ofLeft, ofJoined] = [await issue({ deviceId: left }), await issue({ deviceId: joined })];
    const { id } = await submit(core, {
      kind: 'revoke-certificates',
      options: { division: 'plant' },
      selection: { group: 'ulm' },
      start: false,
    });
    for (const [deviceId, fields] of [[left, '{}'] as const, [joined, attributes] as const]) {
      const { updatedAt: seenAt = 0 } = (await core.store.devices.findById({ id: deviceId })) ?? {};
      const change = { id: deviceId, seenAt, identifiers: '{}', attributes: fields, at: Date.now() };
      await core.store.commit({ statements: core.store.devices.change(change), audit: [] });
    }
    await changeJob({ id, change: 'start', actor }, core);
    expect(await finished(core, id)).toMatchObject({ done: 1, failed: 0 });
    expect([(await statusOf(ofLeft))[0], (await statusOf(ofJoined))[0]]).toEqual(['valid', 'revoked']);
  });

  it.each([
    [
      'a device group of another division',
      { group: 'printers' },
      'select: the division has no device group "printers"',
    ],
    ['no device group', { group: 'nothing' }, 'select: the division has no device group "nothing"'],
    ['a policy of another division', { policy: 'desk' }, 'select: the division has no policy "desk"'],
    ['no policy', { policy: 'nothing' }, 'select: the division has no policy "nothing"'],
  ])('is refused where its selection names %s', async (_, selection, message) => {
    const { length } = await core.store.jobs.list({ order: { by: 'createdAt', descending: true }, limit: 1000 });
    const wanted = { kind: 'revoke-certificates', options: { division: 'plant' }, selection };
    await expect(submit(core, wanted)).rejects.toMatchObject({ status: 422, code: 'malformed-request', message });
    expect(await core.store.jobs.list({ order: { by: 'createdAt', descending: true }, limit: 1000 })).toHaveLength(
      length,
    );
  });

  it('is paused where its selection is of another division when it runs, and refused where it selects by nothing', async () => {
    const wanted = { kind: 'revoke-certificates', options: { division: 'plant' } };
    const { id } = await submit(core, { ...wanted, selection: { group: 'pumps' }, start: false });
    // As if the group had gone over to the other division meanwhile.
    const sql = 'update job set selection = ? where id = ?';
    await core.store.commit({ statements: [{ sql, parameters: ['{"group":"printers"}', id] }], audit: [] });
    await changeJob({ id, change: 'start', actor }, core);
    expect(await jobThat(core, id, ({ state }) => state === 'paused')).toMatchObject({
      problem: 'the division has no device group "printers"',
    });
    await expect(submit(core, { ...wanted, selection: {} })).rejects.toMatchObject({ code: 'malformed-request' });
  });
});
