import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { fillNames } from '../../../src/certificates/fill-names.js';
import { eachCertificate, listCertificates, ofGroup } from '../../../src/certificates/list.js';
import { revokeOne } from '../../../src/certificates/revocations.js';
import type { DeviceFilter } from '../../../src/model/device-filter.js';
import { type DeviceGroup, deviceGroupSchema } from '../../../src/model/device-group.js';
import type { CertificateRecord } from '../../../src/store/certificate-record.js';
import type { CertificateConditions, CertificatePlace } from '../../../src/store/certificate-search.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { issued, plant, site, startOperatedFleet } from '../../support/operated-fleet.js';
import { operator } from '../../support/operator.js';
import type { TestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const newestFirst = { by: 'issuedAt', descending: true } as const;
const day = 86_400_000;

let test: TestGateway;
let clock: TestClock;
let pump: CertificateRecord;
let valve: CertificateRecord;
let gate: CertificateRecord;

beforeAll(async () => {
  ({ test, clock } = await startOperatedFleet());
  pump = await issued(test, {
    name: 'pump-1',
    alternatives: [
      { type: 'dns', value: 'Pump-1.plant.example' },
      { type: 'ip', value: '192.0.2.1' },
    ],
  });
  clock.advance(60);
  valve = await issued(test, { name: 'valve-1', policy: 'plant~tanks', alternatives: [{ type: 'dns', value: 'v-1' }] });
  clock.advance(60);
  gate = await issued(test, { name: 'gate-1', policy: 'site' });
});
afterAll(() => test.close());

/** A dynamic one of division plant. */
function group(filter: DeviceFilter): DeviceGroup {
  return deviceGroupSchema.parse({ name: 'some', division: 'plant', filter });
}

type Asked = CertificateConditions & {
  readonly dynamicGroup?: DeviceGroup;
  readonly division?: string;
  readonly policy?: string;
  readonly serialNumber?: string;
};

/** The subjects of what operators have asked for. */
async function found(asked: Asked, scope: 'everywhere' | typeof plant = 'everywhere', order = newestFirst) {
  const query = { usage: 'operational', ...asked, scope, order } as const;
  const { certificates } = await listCertificates(query, { limit: 100 }, test.gateway.core);
  return certificates.map(({ subject }) => subject);
}

const all = ['CN=gate-1', 'CN=valve-1', 'CN=pump-1'];

describe('the inventory', () => {
  it('is listed latest first', async () => {
    expect(await found({})).toEqual(all);
  });

  it.each<[string, () => Asked, string[]]>([
    ['part of a subject', () => ({ subject: 'PUMP' }), ['CN=pump-1']],
    ['part of an alternative name', () => ({ text: 'plant.EXAMPLE' }), ['CN=pump-1']],
    ['part of a subject by a search of both', () => ({ text: 'gate' }), ['CN=gate-1']],
    ['a whole alternative name', () => ({ name: 'pump-1.plant.example' }), ['CN=pump-1']],
    ['a whole alternative name of a type', () => ({ name: 'ip:192.0.2.1' }), ['CN=pump-1']],
    ['no part of an alternative name', () => ({ name: 'plant.example' }), []],
    ['no alternative name of another type', () => ({ name: 'uri:192.0.2.1' }), []],
    ['what only looks like a pattern', () => ({ text: 'v%1' }), []],
    ['no character that patterns have', () => ({ text: 'v_1' }), []],
    ['a serial number', () => ({ serialNumber: pump.serialNumber }), ['CN=pump-1']],
    ['a serial number as tools print it', () => ({ serialNumber: `00:${colons(pump.serialNumber)}` }), ['CN=pump-1']],
    ['a fingerprint', () => ({ certificateFingerprint: valve.certificateFingerprint }), ['CN=valve-1']],
    ['a key', () => ({ keyFingerprint: valve.keyFingerprint }), ['CN=valve-1']],
    ['a device', () => ({ deviceId: gate.deviceId ?? '' }), ['CN=gate-1']],
    ['a device and a policy that is not its', () => ({ deviceId: gate.deviceId ?? '', policy: 'plant' }), []],
    ['several devices', () => ({ deviceIds: [gate.deviceId ?? '', pump.deviceId ?? ''] }), ['CN=gate-1', 'CN=pump-1']],
    ['no device', () => ({ deviceIds: [] }), []],
    ["the device's group", () => ({ deviceGroup: 'tanks' }), ['CN=valve-1']],
    ['a dynamic group', () => ofGroup(group({ field: 'name', startsWith: 'pump' })), ['CN=pump-1']],
    ['a dynamic group of nothing', () => ofGroup(group({ field: 'name', equals: 'gate-1' })), []],
    [
      'a dynamic group and a device',
      () => ({ ...ofGroup(group({ not: { field: 'name', equals: 'x' } })), deviceId: gate.deviceId ?? '' }),
      [],
    ],
    ['a policy', () => ({ policy: 'plant' }), ['CN=valve-1', 'CN=pump-1']],
    ['a division', () => ({ division: 'site' }), ['CN=gate-1']],
    ['a policy of another division', () => ({ division: 'site', policy: 'plant' }), []],
    ['a profile', () => ({ profile: 'device' }), all],
    ['an issuer', () => ({ issuerId: 'root-1' }), []],
    ['a protocol', () => ({ protocol: 'rest' }), ['CN=gate-1']],
    ['when they were issued', () => ({ issuedAt: { from: valve.issuedAt, before: gate.issuedAt } }), ['CN=valve-1']],
    ['when they end', () => ({ notAfter: { from: gate.notAfter } }), ['CN=gate-1']],
    ['all conditions at once', () => ({ text: '1', policy: 'plant', deviceGroup: 'pumps' }), ['CN=pump-1']],
  ])('is searched by %s', async (_what, asked, subjects) => {
    expect(await found(asked())).toEqual(subjects);
  });

  it('is cut to the divisions of a scope', async () => {
    expect(await found({}, plant)).toEqual(['CN=valve-1', 'CN=pump-1']);
    expect(await found({ serialNumber: gate.serialNumber }, plant)).toEqual([]);
    expect(await found({ deviceId: gate.deviceId ?? '' }, plant)).toEqual([]);
    expect(await found({ certificateFingerprint: gate.certificateFingerprint }, plant)).toEqual([]);
    expect(await found({ policy: 'site' }, plant)).toEqual([]);
    expect(await found({ division: 'plant' }, site)).toEqual([]);
    expect(await found({}, new Set())).toEqual([]);
    const { certificates } = await listCertificates(
      { scope: plant, order: newestFirst, usage: 'service' },
      { limit: 10 },
      test.gateway.core,
    );
    expect(certificates).toEqual([]);
  });

  it('tells apart what time has made of them', async () => {
    const status = async (is: 'valid' | 'unconfirmed' | 'held' | 'revoked' | 'expired', at: number) =>
      await found({ status: { is, at }, policy: 'plant' });
    const now = clock.now().getTime();
    expect(await status('valid', now)).toEqual(['CN=valve-1', 'CN=pump-1']);
    expect(await status('expired', now + 100 * day)).toEqual(['CN=valve-1', 'CN=pump-1']);
    expect(await status('valid', now + 100 * day)).toEqual([]);
    const held = await issued(test, { name: 'held-1' });
    await revokeOne(held.id, plant, { reason: 'certificateHold', actor: operator('olga') }, test.gateway.core);
    expect(await status('held', now)).toEqual(['CN=held-1']);
    const { certificates } = test.gateway.core.store;
    const { id: _id, ...unconfirmed } = { ...held, serialNumber: '0c', subject: 'CN=new', status: 'valid' } as const;
    const insert = certificates.insert({ ...unconfirmed, confirmBy: now + 1000 }, '');
    await test.gateway.core.store.commit({ statements: [insert], audit: [] });
    expect(await status('unconfirmed', now)).toEqual(['CN=new']);
    expect(await status('revoked', now)).toEqual([]);
    expect(await status('revoked', now + 1000)).toEqual(['CN=new']);
    expect(await status('unconfirmed', now + 1000)).toEqual([]);
  });

  it('catches up with the names of what was issued before they were kept', async () => {
    const { id: _id, ...record } = pump;
    const { core } = test.gateway;
    const copies = ['0d', '0e'].map((serialNumber) => core.store.certificates.insert({ ...record, serialNumber }));
    await core.store.commit({ statements: copies, audit: [] });
    // The gateway does it as well, each second.
    await fillNames(core);
    expect(await core.store.certificates.unnamed({ limit: 10 })).toEqual([]);
    expect(await found({ name: 'dns:pump-1.plant.example' })).toHaveLength(3);
  });
});

function colons(serialNumber: string): string {
  return (serialNumber.toUpperCase().match(/../g) ?? []).join(':');
}

describe('an inventory of 50,000', () => {
  const many = 50_000;
  const pumps = group({ field: 'name', equals: 'pump-1' });

  beforeAll(() => {
    const connection = new SqliteDatabase(test.settings.database);
    connection.exec(`
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${many})
      insert into certificate (id, issuer_id, serial_number, policy, profile, usage, subject, key_fingerprint,
        certificate_fingerprint, subject_key_identifier, der, not_before, not_after, issued_at, status, crl_partition, protocol,
        requester, request_id, names)
      select 'root-1:' || printf('%x', 268435456 + i), 'root-1', printf('%x', 268435456 + i), case when i % 1000 = 0 then 'site' else 'plant' end,
        'many', 'operational', 'CN=many-' || i, 'k' || i, 'f' || i, x'01', zeroblob(900), 0, 1000 + i % 7, i, 'valid', 0, 'est',
        'passcode:p', 'r-' || i, char(10) || 'dns:many-' || i || '.example' || char(10)
      from n`);
    connection.close();
  });

  it('is paged through in either order, each certificate once', async () => {
    for (const order of [newestFirst, { by: 'notAfter', descending: false } as const]) {
      const query = { scope: 'everywhere', policy: 'site', profile: 'many', order } as const;
      const seen: string[] = [];
      let after: CertificatePlace | undefined;
      let pages = 0;
      do {
        const page = await listCertificates(query, { limit: 7, ...(after ? { after } : {}) }, test.gateway.core);
        seen.push(...page.certificates.map(({ id }) => id));
        after = page.next;
        pages++;
      } while (after);
      expect([seen.length, new Set(seen).size]).toEqual([many / 1000, many / 1000]);
      expect(pages).toBeLessThanOrEqual(10);
    }
  });

  it('looks at so many and no more for a page, which may then be empty and still have a next one', async () => {
    const query = { scope: 'everywhere', name: 'many-1.example', order: newestFirst } as const;
    const first = await listCertificates(query, { limit: 100 }, test.gateway.core);
    expect(first.certificates).toEqual([]);
    const { next } = first;
    if (next === undefined) throw new Error('there is no next page');
    const second = await listCertificates(query, { limit: 100, after: next }, test.gateway.core);
    expect(second.certificates.map(({ subject }) => subject)).toEqual(['CN=many-1']);
    expect(second.next).toBeUndefined();
  });

  it('goes through a dynamic group page by page, whatever there is of others in between', async () => {
    const connection = new SqliteDatabase(test.settings.database);
    // Of each thousand one is the pump's; all others are the gate's.
    connection
      .prepare(
        `update certificate set device_id = case when issued_at % 1000 = 1 then ? else ? end where profile = 'many'`,
      )
      .run(pump.deviceId, gate.deviceId);
    for (const descending of [true, false]) {
      const order = { by: 'issuedAt', descending } as const;
      const query = { scope: 'everywhere', profile: 'many', order, ...ofGroup(pumps) } as const;
      const seen: number[] = [];
      let after: CertificatePlace | undefined;
      let pages = 0;
      do {
        const page = await listCertificates(query, { limit: 100, ...(after ? { after } : {}) }, test.gateway.core);
        expect(page.certificates.length).toBeLessThanOrEqual(5);
        seen.push(...page.certificates.map(({ issuedAt }) => issuedAt));
        after = page.next;
        pages++;
      } while (after);
      const expected = Array.from({ length: many / 1000 }, (_, index) => index * 1000 + 1);
      expect(seen).toEqual(descending ? expected.reverse() : expected);
      expect(pages).toBeGreaterThanOrEqual(10);
    }
    connection.exec("update certificate set device_id = null where profile = 'many'");
    connection.close();
  });

  it('finds what is rare within a bounded time', async () => {
    const queries = [
      { text: 'nowhere' },
      { division: 'site', subject: 'nowhere' },
      { deviceGroup: 'gates' },
      ofGroup(group({ field: 'name', equals: 'nowhere' })),
    ];
    for (const conditions of queries) {
      const query = { scope: 'everywhere', order: newestFirst, ...conditions } as const;
      const spent = await cpuTimeOf(() => listCertificates(query, { limit: 100 }, test.gateway.core));
      expect(spent).toBeLessThan(2000);
    }
  });

  it('finds what has an index at once', async () => {
    const conditions = [
      { certificateFingerprint: 'f4711' },
      { keyFingerprint: 'k4711' },
      { serialNumber: '10001267' },
      { deviceId: pump.deviceId ?? '' },
      { deviceIds: [pump.deviceId ?? '', gate.deviceId ?? ''] },
    ];
    const query = { scope: 'everywhere', order: newestFirst } as const;
    const spent = await cpuTimeOf(async () => {
      for (let i = 0; i < 50; i++) {
        for (const each of conditions) await listCertificates({ ...query, ...each }, { limit: 10 }, test.gateway.core);
      }
    });
    // Less than one look at all of them.
    expect(spent).toBeLessThan(1000);
    const { certificates } = await listCertificates(
      { ...query, serialNumber: '0x10001267' },
      { limit: 10 },
      test.gateway.core,
    );
    expect(certificates.map(({ subject }) => subject)).toEqual(['CN=many-4711']);
  });

  it('is gone through one by one', async () => {
    let count = 0;
    const query = { scope: 'everywhere', order: newestFirst, division: 'site', profile: 'many' } as const;
    for await (const { policy } of eachCertificate(query, test.gateway.core)) {
      expect(policy).toBe('site');
      count++;
    }
    expect(count).toBe(many / 1000);
  });
});
