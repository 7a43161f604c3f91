/** How many certificates are in use, and guards for how many may be. */
import { type QueryCreator, sql } from 'kysely';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';

// Written out in the SQL: neither database uses a partial index for a status that it only learns as a parameter.
export const valid = sql.lit('valid' as const);

/** Active is what is neither revoked nor held, and has not expired `at` (epoch milliseconds). */
export function createCertificateCounts(database: Database) {
  const { write, find } = database.tables<Tables>();
  const countByPolicy = find((db, slot: OfPolicy) =>
    db.selectFrom(activeByPolicy(db, slot).as('active')).select((row) => row.fn.countAll<number>().as('count')),
  );
  const countByDevice = find((db, slot: OfDevice) =>
    db.selectFrom(activeByDevice(db, slot).as('active')).select((row) => row.fn.countAll<number>().as('count')),
  );

  return {
    countActiveByPolicy: async (values: OfPolicy) => (await countByPolicy(values))?.count ?? 0,

    countActiveByDevice: async (values: OfDevice) => (await countByDevice(values))?.count ?? 0,

    /** Guard, before the insert: refuses the change as 'forbidden' unless the policy has fewer active ones than `limit`. */
    requireFewerByPolicy: write(
      (db, slot: OfPolicy & Limit) => requireFewer(db, activeByPolicy(db, slot), slot.limit),
      { rows: 1, otherwise: 'forbidden' },
    ),

    /** Guard, before the insert: refuses the change as 'forbidden' unless the device has fewer active ones of the policy than `limit`. */
    requireFewerByDevice: write(
      (db, slot: OfDevice & Limit) => requireFewer(db, activeByDevice(db, slot), slot.limit),
      { rows: 1, otherwise: 'forbidden' },
    ),
  };
}

interface Tables {
  certificate: CertificateRecord;
  catalogVersion: { id: number; number: number };
}

interface OfPolicy {
  readonly policy: string;
  readonly at: number;
}

interface OfDevice extends OfPolicy {
  readonly deviceId: string;
}

interface Limit {
  readonly limit: number;
}

function activeByPolicy(db: QueryCreator<Tables>, { policy, at }: OfPolicy) {
  return db
    .selectFrom('certificate')
    .select('id')
    .where('policy', '=', policy)
    .where('status', '=', valid)
    .where('notAfter', '>=', at);
}

function activeByDevice(db: QueryCreator<Tables>, { deviceId, policy, at }: OfDevice) {
  return (
    db
      .selectFrom('certificate')
      .select('id')
      .where('deviceId', '=', deviceId)
      // An expression, so that SQLite takes the index of the device and not that of the policy's many certificates.
      .where(sql`${sql.ref('policy')} || ''`, '=', policy)
      .where('status', '=', valid)
      .where('notAfter', '>=', at)
  );
}

// A write that changes nothing, on a row that is always there; counting stops at the limit.
function requireFewer(db: QueryCreator<Tables>, active: ReturnType<typeof activeByPolicy>, limit: number) {
  return db
    .updateTable('catalogVersion')
    .set((row) => ({ number: row.ref('number') }))
    .where('id', '=', 1)
    .where(
      (row) =>
        row.selectFrom(active.limit(limit).as('active')).select((count) => count.fn.countAll<number>().as('count')),
      '<',
      limit,
    );
}
