/** How much of everything there is. */
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';
import type { DeviceRecord } from './device-record.js';
import type { EnrollmentTransactionRecord } from './enrollment-transaction-repository.js';

/** Those of the gateway's own keys are left out: they renew themselves. */
export interface CertificateTotals {
  readonly valid: number;
  /** Of the valid ones, those that end before the time that was asked for. */
  readonly expiring: number;
  readonly held: number;
  readonly revoked: number;
  readonly total: number;
}

interface Moment {
  /** Epoch milliseconds, as is the other time. */
  readonly now: number;
  readonly expiringBefore: number;
}

/** Not among the repositories of every store: these reads have no index that fits, and are for the command line only. */
export function createOverview(database: Database) {
  const { read, find } = database.tables<Tables>();
  const states = read((db) =>
    db
      .selectFrom('device')
      .select((row) => ['state', row.fn.countAll<number>().as('count')])
      .groupBy('state')
      .orderBy('state'),
  );
  const totals = find((db, slot: Moment) =>
    db
      .selectFrom('certificate')
      .select((row) => {
        const count = () => row.fn.countAll<number>();
        const isValid = row.and([row('status', '=', 'valid'), row('notAfter', '>=', slot.now)]);
        return [
          count().filterWhere(isValid).as('valid'),
          count()
            .filterWhere(row.and([isValid, row('notAfter', '<', slot.expiringBefore)]))
            .as('expiring'),
          count().filterWhere('status', '=', 'held').as('held'),
          count().filterWhere('status', '=', 'revoked').as('revoked'),
          count().as('total'),
        ];
      })
      .where('usage', '<>', 'service'),
  );
  const pending = find((db, slot: { now: number }) =>
    db
      .selectFrom('enrollmentTransaction')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('state', '=', 'pending')
      .where('expiresAt', '>', slot.now),
  );

  return {
    /** Only the states that some device is in. */
    devicesByState: () => states({}),

    certificates: async (moment: Moment): Promise<CertificateTotals> => (await totals(moment)) ?? none,

    pendingRequests: async (values: { now: number }) => (await pending(values))?.count ?? 0,
  };
}

interface Tables {
  device: DeviceRecord;
  certificate: CertificateRecord;
  enrollmentTransaction: EnrollmentTransactionRecord;
}

const none: CertificateTotals = { valid: 0, expiring: 0, held: 0, revoked: 0, total: 0 };
