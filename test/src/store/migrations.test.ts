import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { createSqliteDialect } from '../../../src/store/dialect.js';
import { metaTable, migrations } from '../../../src/store/migrate.js';
import { createMigrationSchema } from '../../../src/store/migration.js';
import { initial } from '../../../src/store/migrations/0001-initial.js';
import { openStore } from '../../../src/store/sqlite-store.js';
import { now, withFile } from './temporary-store.js';

/** A database as the first schema had it, with a request that waits. */
function makeVersion1(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const dialect = createSqliteDialect();
  const connection = new SqliteDatabase(file);
  connection.exec(metaTable(dialect).compile().sql);
  for (const statement of initial.statements(createMigrationSchema(dialect))) {
    const { sql, parameters } = statement.compile();
    connection.prepare(sql).run(...parameters);
  }
  connection.exec("insert into meta(name, value) values ('schema_version', '1')");
  connection
    .prepare(
      `insert into enrollment_transaction
       (key, request_id, policy, protocol, state, request, identity, trace, created_at, updated_at, expires_at)
       values ('k', 'r', 'fleet', 'est', 'pending', '{}', '{}', '[]', @now, @now, @now)`,
    )
    .run({ now });
  connection.exec("insert into enrollment_approval (request_id, approver, at) values ('r', 'alice', 1)");
  connection
    .prepare(
      `insert into ca_generation (id, ca, number, state, certificate, key_id, not_before, not_after, created_at)
       values ('plant-1', 'plant', 1, 'current', x'3000', 'key-1', @now, @now, @now)`,
    )
    .run({ now });
  connection
    .prepare(
      `insert into certificate
       (id, issuer_id, serial_number, policy, profile, usage, subject, key_fingerprint, certificate_fingerprint,
        subject_key_identifier, der, not_before, not_after, issued_at, status, crl_partition, protocol, requester, request_id)
       values ('plant-1:0a', 'plant-1', '0a', 'fleet', 'device', 'operational', 'CN=a', 'aa', 'bb', x'01', x'3000', @now,
        @now, @now, 'valid', 0, 'est', 'passcode:p', 'r-1')`,
    )
    .run({ now });
  connection.exec(`
    insert into certificate
      (id, issuer_id, serial_number, policy, profile, usage, subject, key_fingerprint, certificate_fingerprint,
       subject_key_identifier, der, not_before, not_after, issued_at, status, crl_partition, protocol, requester, request_id, replaces)
      select 'plant-1:0f', issuer_id, '0f', policy, profile, usage, subject, 'cc', 'dd', subject_key_identifier, der,
       not_before, not_after, issued_at + 1, status, crl_partition, protocol, requester, request_id, id from certificate;
    insert into device (id, division, name, group_name, state, identifiers, attributes, created_at, updated_at) values
      ('d-1', 'plant', 'a', 'pumps', 'operational', '{"serial":"4711","mac":"00:11"}', '{}', 1, 1),
      ('d-2', 'plant', 'b', 'pumps', 'registered', '{}', '{}', 1, 1);
    update certificate set device_id = 'd-1';
    insert into certificate
      (id, issuer_id, serial_number, policy, profile, usage, device_id, subject, key_fingerprint, certificate_fingerprint,
       subject_key_identifier, der, not_before, not_after, issued_at, status, crl_partition, protocol, requester, request_id, replaces)
      values ('plant-1:1b', 'plant-1', '1b', 'fleet', 'gateway', 'intermediate', 'd-2', 'CN=gw', 'ab', 'bc', x'01', x'3000', 1,
       2, 1, 'valid', 0, 'est', 'passcode:p', 'r-2', null),
      ('plant-1:1c', 'plant-1', '1c', 'fleet', 'gateway', 'intermediate', 'd-2', 'CN=gw', 'ac', 'bd', x'01', x'3000', 1,
       2, 2, 'valid', 0, 'est', 'certificate:p', 'r-3', 'plant-1:1b');
    insert into audit_event (sequence, id, at, action, outcome, subject, content, hash) values
      (1, 'e-1', 1, 'device.registered', 'success', 'd-1', '{}', x'00'),
      (2, 'e-2', 1, 'certificate.issued', 'success', 'plant-1:0a', '{}', x'00'),
      (3, 'e-3', 1, 'catalog.applied', 'success', 'd-1', '{}', x'00');
  `);
  const insert = connection.prepare(
    `insert into certificate
     (id, issuer_id, serial_number, policy, profile, usage, subject, key_fingerprint, certificate_fingerprint,
      subject_key_identifier, der, not_before, not_after, issued_at, status, revoked_at, revocation_reason, invalidity_date,
      crl_partition, protocol, requester, request_id)
     values ('plant-1:' || @serial, 'plant-1', @serial, 'fleet', 'device', 'operational', 'CN=b', 'aa', 'bb', x'01', x'3000',
      @now, @now, @now, @status, @revokedAt, @reason, @since, @partition, 'est', 'passcode:p', 'r-1')`,
  );
  const revoked = { now, status: 'revoked', revokedAt: now + 5, reason: 1, since: now - 7, partition: 0 };
  insert.run({ ...revoked, serial: '0b' });
  insert.run({ ...revoked, serial: '0c', status: 'held', revokedAt: now + 4, reason: 6, since: null });
  insert.run({ ...revoked, serial: '0d', partition: 3, reason: null });
  connection.exec(`
    insert into crl (issuer_id, partition, number, der, this_update, next_update, revision) values
      ('plant-1', 0, 7, x'3000', 1, 2, 4), ('plant-1', 1, 2, x'3000', 1, 2, 0);
    insert into crl_revision (issuer_id, partition, number) values ('plant-1', 0, 4);
    insert into catalog_item (kind, name, document, updated_at) values
      ('certificate-authority', 'plant', '{"name":"plant","crl":{"partitions":4,"interval":"1d"}}', 1);
  `);
  connection.close();
}

describe('a database of an earlier version', () => {
  it('is brought to the latest schema with what is in it', async () => {
    await withFile(async (file) => {
      makeVersion1(file);
      await expect(openStore({ file, readOnly: true })).rejects.toMatchObject({ code: 'internal' });
      const store = await openStore({ file, synchronous: 'OFF' });
      expect(await store.meta.find('schema_version')).toBe(String(migrations.length));
      expect(await store.enrollmentTransactions.findByKey({ key: 'k' })).toMatchObject({
        requestId: 'r',
        state: 'pending',
        conversation: null,
      });
      // A setting that is gone is not in the way.
      const [item] = await store.catalog.items();
      expect(item?.document).toBe('{"name":"plant","crl":{"interval":"1d"}}');
      // What was issued before there was anything to confirm is confirmed.
      expect(await store.certificates.findById({ id: 'plant-1:0a' })).toMatchObject({
        status: 'valid',
        confirmBy: null,
        supplantedBy: null,
      });
      expect(await store.certificates.findWithReplacement({ id: 'plant-1:0a' })).toMatchObject({
        replaceBy: null,
        replacementPlannedAt: null,
        explanationUrl: null,
      });
      // Its names are yet to be read from the certificate.
      expect(await store.certificates.unnamed({ limit: 10 })).toHaveLength(7);
      // What was renewed is known with when it was.
      const replaced = { policy: 'fleet', limit: 10 };
      expect(await store.certificates.replacedOfPolicy({ ...replaced, by: now })).toEqual([]);
      expect(await store.certificates.replacedOfPolicy({ ...replaced, by: now + 1 })).toMatchObject([
        { id: 'plant-1:0a', replacedAt: now + 1 },
      ]);
      // What is a CA certificate of a gateway is an unmanaged CA, renewals with what they renewed.
      expect(await store.unmanagedCas.list({ limit: 10 })).toMatchObject([
        { id: 'plant-1:1b', division: 'plant', deviceId: 'd-2', subject: 'CN=gw', createdAt: 1, crlUrl: null },
      ]);
      const lineage = await store.unmanagedCas.certificatesOf({ unmanagedCaId: 'plant-1:1b', limit: 10 });
      expect(lineage.map(({ id }) => id)).toEqual(['plant-1:1c', 'plant-1:1b']);
      // Only the command line approved.
      expect(await store.enrollmentTransactions.approvals({ requestId: 'r' })).toEqual([
        { requestId: 'r', approver: 'command line:alice', at: 1, name: 'alice', comment: null },
      ]);
      expect(await store.certificates.lapsed({ at: Number.MAX_SAFE_INTEGER, limit: 10 })).toEqual([]);
      // Devices are found by their identifiers, and events by their device.
      const found = await store.devices.byIdentifier({ name: 'serial', value: '4711', limit: 10 });
      expect(found.map(({ id }) => id)).toEqual(['d-1']);
      expect((await store.audit.list({ device: 'd-1', limit: 10 })).map(({ id }) => id)).toEqual(['e-2', 'e-1']);
      await store.close();
    });
  });

  it('lists what was revoked and held before, under numbers that go on', async () => {
    await withFile(async (file) => {
      makeVersion1(file);
      const store = await openStore({ file, synchronous: 'OFF' });
      const limits = { issuerId: 'plant-1', after: 0, upTo: 100, limit: 10 };
      const row = { issuerId: 'plant-1', partition: 0, notAfter: now, removed: 0 };
      expect(await store.revocations.changes({ ...limits, partition: 0 })).toEqual([
        { ...row, serialNumber: '0c', revokedAt: now + 4, reason: 6, invalidityDate: null, change: 5 },
        { ...row, serialNumber: '0b', revokedAt: now + 5, reason: 1, invalidityDate: now - 7, change: 6 },
      ]);
      expect(await store.revocations.changes({ ...limits, partition: 3 })).toMatchObject([
        { serialNumber: '0d', reason: 0, change: 1 },
      ]);
      const states = [0, 1, 3].map((partition) => store.crls.state({ issuerId: 'plant-1', partition }));
      expect(await Promise.all(states)).toEqual([
        { revision: 6, number: 7 },
        { revision: 0, number: 2 },
        { revision: 1, number: 0 },
      ]);
      // Each is followed by a regular one at once.
      expect((await store.crls.headers({})).map(({ number, baseAt }) => [number, baseAt])).toEqual([
        [7, null],
        [2, null],
      ]);
      const partitions = await store.crlPartitions.all({});
      expect(partitions.map(({ partition, issued }) => [partition, issued])).toEqual([
        [0, 6],
        [3, 1],
      ]);
      expect((await store.caGenerations.find({ id: 'plant-1' }))?.baseUrls).toBeNull();
      await store.close();
    });
  });
});
