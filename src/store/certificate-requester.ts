/** Certificates by who asked for them. */
import { sql } from 'kysely';
import { valid } from './certificate-counts.js';
import type { CertificateRecord } from './certificate-record.js';
import type { Database } from './database.js';

export function createCertificateRequester(database: Database) {
  const { read } = database.tables<{ certificate: CertificateRecord }>();

  return {
    /** The certificates that a requester has got over CMP and that are in use `at` (epoch milliseconds). */
    idsOfRequester: read((db, slot: { requester: string; at: number; limit: number }) =>
      db
        .selectFrom('certificate')
        .select('id')
        .where('requester', '=', slot.requester)
        .where('status', '=', valid)
        .where('protocol', '=', cmp)
        .where('notAfter', '>=', slot.at)
        .where('confirmBy', 'is', null)
        .where('supplantedBy', 'is', null)
        .limit(slot.limit),
    ),
  };
}

// Written out in the SQL, as its index has it.
const cmp = sql.lit('cmp');
