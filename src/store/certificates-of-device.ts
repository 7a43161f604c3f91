/** The certificates of one device, by its index: however many others there are. */
import { type CertificateRecord, certificateColumns as columns } from './certificate-record.js';
import type { Database } from './database.js';

export function createCertificatesOfDevice(database: Database) {
  const { read } = database.tables<{ certificate: CertificateRecord }>();

  return {
    /** Valid or held, and not expired `at` (epoch milliseconds): what is left to revoke. */
    unrevokedByDevice: read((db, slot: { deviceId: string; at: number; limit: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('deviceId', '=', slot.deviceId)
        .where('status', 'in', ['valid', 'held'])
        .where('notAfter', '>=', slot.at)
        .orderBy('id')
        .limit(slot.limit),
    ),

    /** What for the device has ever had certificates. */
    usagesByDevice: read((db, slot: { deviceId: string }) =>
      db.selectFrom('certificate').select('usage').distinct().where('deviceId', '=', slot.deviceId),
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
