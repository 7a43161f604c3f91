/** Keys that jobs have made for one device, and that nobody has come for. */
import { sql } from 'kysely';
import type { CertificateRecord } from './certificate-record.js';
import type { Statement } from './change.js';
import type { Database } from './database.js';
import { jsonMember } from './json-member.js';

export interface JobKeyRecord {
  readonly jobId: string;
  readonly row: number;
  readonly sealedKey: Uint8Array;
}

export function createJobKeysOfDevice(database: Database) {
  const { write, list } = database.tables<Tables>();
  const overwrite = write((db, slot: { jobId: string; row: number; sealedKey: Uint8Array }) =>
    db
      .updateTable('jobRow')
      .set({ sealedKey: slot.sealedKey })
      .where('jobId', '=', slot.jobId)
      .where('row', '=', slot.row)
      .where('sealedKey', 'is not', null),
  );

  return {
    keysOfDevice: ({ deviceId, limit }: { readonly deviceId: string; readonly limit: number }) =>
      list((db) =>
        db
          .selectFrom('certificate')
          .innerJoin('jobRow', (join) =>
            // As an expression, which SQLite compares with the index's as it is.
            join.on(
              jsonMember(database.dialect, 'job_row.result', 'fingerprint'),
              '=',
              sql<string>`${sql.ref('certificate.certificateFingerprint')} || ''`,
            ),
          )
          .select(['jobRow.jobId', 'jobRow.row', 'jobRow.sealedKey'])
          .where('certificate.deviceId', '=', deviceId)
          .where('jobRow.sealedKey', 'is not', null)
          .where(sql<boolean>`length(${sql.ref('jobRow.sealedKey')}) > 0`)
          .$narrowType<{ sealedKey: Uint8Array }>()
          .limit(limit),
      ),

    /** Leaves an empty one, which says that the row had a key of its own that is gone. */
    destroyRowKey: ({ jobId, row, sealedKey }: JobKeyRecord): readonly Statement[] => [
      // First with as many zeros, so that SQLite leaves none of its octets in the file.
      overwrite({ jobId, row, sealedKey: new Uint8Array(sealedKey.length) }),
      overwrite({ jobId, row, sealedKey: new Uint8Array(0) }),
    ],
  };
}

interface Tables {
  certificate: CertificateRecord;
  jobRow: {
    readonly jobId: string;
    readonly row: number;
    readonly result: string | null;
    readonly sealedKey: Uint8Array | null;
  };
}
