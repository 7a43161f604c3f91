/** What tests do with the CRLs of a gateway without waiting for it. */
import { expect } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import type { TestGateway } from './test-gateway.js';

/** Opens those partitions of a generation that are not open yet, up to `count`; they would else come with thousands of certificates. */
export async function openPartitions({ gateway }: TestGateway, issuerId: string, count: number): Promise<void> {
  const { store } = gateway.core;
  const before = (await store.crlPartitions.last({ issuerId }))?.partition ?? -1;
  for (let partition = before + 1; partition < count; partition++) {
    const taken = store.crlPartitions.take({ issuerId, partition, openedAt: 0, issued: 1, before: 0 });
    await store.commit({ statements: [taken], audit: [] });
  }
}

/** Publishes every CRL that something was changed on, without the time that the gateway leaves for more. */
export async function publishChanges({ gateway }: TestGateway): Promise<void> {
  const { store, crls } = gateway.core;
  for (const { issuerId, partition } of await store.crls.changed({})) await crls.publish(issuerId, partition);
}

/** Whatever has happened: what CRLs are made from says the same as the certificates' records. */
export function expectRevocationsToFollow({ settings }: TestGateway): void {
  const database = new SqliteDatabase(settings.database, { readonly: true });
  try {
    const certificates = database
      .prepare(
        `select issuer_id, crl_partition as partition, serial_number, revoked_at, coalesce(revocation_reason, 0) as reason,
         invalidity_date, not_after from certificate where status <> 'valid' order by id`,
      )
      .all();
    const revocations = database
      .prepare(
        `select issuer_id, partition, serial_number, revoked_at, reason, invalidity_date, not_after from revocation
         where removed = 0 order by issuer_id || ':' || serial_number`,
      )
      .all();
    expect(revocations).toEqual(certificates);
    expect(certificates).not.toEqual([]);
  } finally {
    database.close();
  }
}
