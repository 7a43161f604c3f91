/**
 * How much of everything there is. No index knows: it is counted part by part, so that no single query keeps the gateway from
 * its devices.
 */
import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import type { DeviceState } from '../model/device.js';
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

/** Not among the repositories of every store: these reads look at everything. */
export function createOverview(database: Database) {
  const { read, find } = database.tables<Tables>();
  const states = read((db, slot: DevicePart) =>
    db
      .selectFrom(
        db.selectFrom('device').select('state').where('id', '>', slot.after).orderBy('id').limit(slot.size).as('part'),
      )
      .select((row) => ['state', row.fn.countAll<number>().as('count')])
      .groupBy('state'),
  );
  const endOfDevices = find((db, slot: DevicePart & { last: number }) =>
    db.selectFrom('device').select('id').where('id', '>', slot.after).orderBy('id').limit(1).offset(slot.last),
  );
  const totals = find((db, slot: Moment & CertificatePart) =>
    db
      .selectFrom(
        db
          .selectFrom('certificate')
          .select(['status', 'usage', 'notAfter as end'])
          .where((row) => row(row.refTuple('issuedAt', 'id'), '>', row.tuple(slot.issuedAt, slot.id)))
          .orderBy('issuedAt')
          .orderBy('id')
          .limit(slot.size)
          .as('part'),
      )
      .select((row) => {
        const count = () => row.fn.countAll<number>();
        const isValid = row.and([row('status', '=', 'valid'), row('end', '>=', slot.now)]);
        return [
          count().filterWhere(isValid).as('valid'),
          count()
            .filterWhere(row.and([isValid, row('end', '<', slot.expiringBefore)]))
            .as('expiring'),
          count().filterWhere('status', '=', 'held').as('held'),
          count().filterWhere('status', '=', 'revoked').as('revoked'),
          count().as('total'),
        ];
      })
      .where('usage', '<>', 'service'),
  );
  const endOfCertificates = find((db, slot: CertificatePart & { last: number }) =>
    db
      .selectFrom('certificate')
      .select(['issuedAt', 'id'])
      .where((row) => row(row.refTuple('issuedAt', 'id'), '>', row.tuple(slot.issuedAt, slot.id)))
      .orderBy('issuedAt')
      .orderBy('id')
      .limit(1)
      .offset(slot.last),
  );
  const pending = find((db, slot: { now: number }) =>
    db
      .selectFrom('enrollmentTransaction')
      .select((row) => row.fn.countAll<number>().as('count'))
      // In the words of enrollment_transaction_open, so that SQLite sees that the index has them all.
      .where('state', '<>', sql.lit('issued' as const))
      .where('state', '=', 'pending')
      .where('expiresAt', '>', slot.now),
  );

  return {
    /** Only the states that some device is in. */
    async devicesByState(): Promise<readonly { readonly state: DeviceState; readonly count: number }[]> {
      const counts = new Map<DeviceState, number>();
      let place: { readonly id: string } | undefined = { id: '' };
      while (place) {
        const part = { after: place.id, size: partSize };
        for (const { state, count } of await states(part)) counts.set(state, (counts.get(state) ?? 0) + count);
        place = await endOfDevices({ ...part, last: partSize - 1 });
        await setImmediate();
      }
      return [...counts].map(([state, count]) => ({ state, count })).sort((a, b) => (a.state < b.state ? -1 : 1));
    },

    async certificates(moment: Moment): Promise<CertificateTotals> {
      let sum = none;
      let place: { readonly issuedAt: number; readonly id: string } | undefined = { issuedAt: 0, id: '' };
      while (place) {
        const part: CertificatePart = { ...place, size: partSize };
        const counted = (await totals({ ...moment, ...part })) ?? none;
        sum = {
          valid: sum.valid + counted.valid,
          expiring: sum.expiring + counted.expiring,
          held: sum.held + counted.held,
          revoked: sum.revoked + counted.revoked,
          total: sum.total + counted.total,
        };
        place = await endOfCertificates({ ...part, last: partSize - 1 });
        await setImmediate();
      }
      return sum;
    },

    pendingRequests: async (values: { now: number }) => (await pending(values))?.count ?? 0,
  };
}

interface Tables {
  device: DeviceRecord;
  certificate: CertificateRecord;
  enrollmentTransaction: EnrollmentTransactionRecord;
}

/** So many after this place. */
interface DevicePart {
  readonly after: string;
  readonly size: number;
}
interface CertificatePart {
  readonly issuedAt: number;
  readonly id: string;
  readonly size: number;
}

/** Counted in a few milliseconds. */
const partSize = 2000;

const none: CertificateTotals = { valid: 0, expiring: 0, held: 0, revoked: 0, total: 0 };
