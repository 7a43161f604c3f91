/** The certificates of one device, by its index: however many others there are. */
import { valid } from './certificate-counts.js';
import { type CertificateRecord, certificateColumns as columns } from './certificate-record.js';
import type { Database } from './database.js';

export function createCertificatesOfDevice(database: Database) {
  const { read, find } = database.tables<{ certificate: CertificateRecord }>();

  return {
    /** Neither revoked nor held, and not expired `at` (epoch milliseconds); latest first. */
    validByDevice: read((db, slot: { deviceId: string; at: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('deviceId', '=', slot.deviceId)
        .where('status', '=', valid)
        .where('notAfter', '>=', slot.at)
        .orderBy('issuedAt', 'desc'),
    ),

    /** Valid or held, and not expired `at` (epoch milliseconds), by id `after` that one: what is left to revoke. */
    unrevokedByDevice: read((db, slot: { deviceId: string; at: number; after: string; limit: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('deviceId', '=', slot.deviceId)
        .where('status', 'in', ['valid', 'held'])
        .where('notAfter', '>=', slot.at)
        .where('id', '>', slot.after)
        .orderBy('id')
        .limit(slot.limit),
    ),

    /** All that are not revoked for the compromise of their key: valid, held, expired, and revoked for other reasons. */
    uncompromisedByDevice: read((db, slot: { deviceId: string; limit: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('deviceId', '=', slot.deviceId)
        .where((row) => row.or([row('status', '<>', 'revoked'), row('revocationReason', 'not in', compromised)]))
        // What is still good comes first.
        .orderBy((row) => row.case().when('status', '=', 'revoked').then(1).else(0).end())
        .orderBy('notAfter', 'desc')
        .orderBy('id')
        .limit(slot.limit),
    ),

    /** Who has asked for its certificates over a protocol. */
    requestersOfDevice: read((db, slot: { deviceId: string; protocol: string }) =>
      db
        .selectFrom('certificate')
        .select('requester')
        .distinct()
        .where('deviceId', '=', slot.deviceId)
        .where('protocol', '=', slot.protocol),
    ),

    /** What for the device has ever had certificates. */
    usagesByDevice: read((db, slot: { deviceId: string }) =>
      db.selectFrom('certificate').select('usage').distinct().where('deviceId', '=', slot.deviceId),
    ),

    /** How many it has that are valid or held and not expired `at`, and when the last of the valid ones ends. */
    summaryOfDevice: find((db, slot: { deviceId: string; at: number }) =>
      db
        .selectFrom('certificate')
        .select((row) => [
          row.fn.countAll<number>().filterWhere('status', '=', 'valid').as('valid'),
          row.fn.countAll<number>().filterWhere('status', '=', 'held').as('held'),
          row.fn.max('notAfter').filterWhere('status', '=', 'valid').as('validUntil'),
        ])
        .where('deviceId', '=', slot.deviceId)
        .where('notAfter', '>=', slot.at),
    ),

    /** The ids of the device's certificates that renewed this one, oldest first. */
    successors: read((db, slot: { id: string; deviceId: string }) =>
      db
        .selectFrom('certificate')
        .select('id')
        .where('deviceId', '=', slot.deviceId)
        .where('replaces', '=', slot.id)
        .orderBy('issuedAt')
        .orderBy('id'),
    ),
  };
}

/** CRLReason (RFC 5280 5.3.1): keyCompromise and cACompromise. */
const compromised = [1, 2];
