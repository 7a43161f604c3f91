/** The certificates of jobs, and the keys that the gateway has made for them, sealed. */
import type { JobKindName, JobState } from '../model/job.js';
import type { Statement } from './change.js';
import type { Database } from './database.js';
import { createJobKeysOfDevice } from './job-keys-of-device.js';

/** What its archive needs to know of a job. */
export interface ArchivedJob {
  readonly id: string;
  readonly kind: JobKindName;
  readonly division: string;
  readonly state: JobState;
  /** JSON text: the Actor who submitted it. */
  readonly createdBy: string;
  /** Epoch milliseconds; of a cancelled job as well. */
  readonly finishedAt: number | null;
  /** JSON text: how the archive is protected; null where its rows bring their keys. */
  readonly archive: string | null;
  /** What opens the keys of its rows; null before there are any and once they are destroyed. */
  readonly sealedJobKey: Uint8Array | null;
  /** Epoch milliseconds. */
  readonly keysDestroyedAt: number | null;
}

export interface ArchivedRow {
  readonly row: number;
  /** JSON text: the values of its RowResult. */
  readonly result: string;
  /** DER. */
  readonly certificate: Uint8Array;
  /** Null once those of the whole job are destroyed, and empty where only the row's own was. */
  readonly sealedKey: Uint8Array | null;
}

interface Tables {
  job: ArchivedJob & { readonly deletedAt: number | null };
  jobRow: ArchivedRow & { readonly jobId: string };
}

export function createJobArchiveRepository(database: Database) {
  const { write, read, find } = database.tables<Tables>();
  const overwrite = write(
    (db, slot: { id: string; blank: Uint8Array }) =>
      db
        .updateTable('job')
        .set({ sealedJobKey: slot.blank })
        .where('id', '=', slot.id)
        .where('sealedJobKey', 'is not', null),
    { rows: 1, otherwise: 'invalid-state' },
  );
  const clear = write((db, slot: { id: string; at: number }) =>
    db.updateTable('job').set({ sealedJobKey: null, keysDestroyedAt: slot.at }).where('id', '=', slot.id),
  );

  return {
    ...createJobKeysOfDevice(database),

    /** Not what is deleted. */
    findById: find((db, slot: { id: string }) =>
      db.selectFrom('job').select(jobColumns).where('id', '=', slot.id).where('deletedAt', 'is', null),
    ),

    /** The rows that have a certificate, after a row's number. */
    archiveRows: read((db, slot: { jobId: string; after: number; limit: number }) =>
      db
        .selectFrom('jobRow')
        .select(['row', 'result', 'certificate', 'sealedKey'])
        .where('jobId', '=', slot.jobId)
        .where('row', '>', slot.after)
        .where('certificate', 'is not', null)
        .orderBy('row')
        .limit(slot.limit),
    ),

    /** Once: refused as 'invalid-state' if the job has no key any more. No row's key opens without it. */
    destroyJobKey: ({
      id,
      sealedJobKey,
      at,
    }: {
      readonly id: string;
      readonly sealedJobKey: Uint8Array;
      readonly at: number;
    }): readonly Statement[] => [
      // First with as many zeros, so that SQLite leaves none of its octets in the file.
      overwrite({ id, blank: new Uint8Array(sealedJobKey.length) }),
      clear({ id, at }),
    ],

    /** Jobs that have ended by `by` (epoch milliseconds) and whose key is still there. */
    findExpiredKeys: read((db, slot: { by: number; limit: number }) =>
      db
        .selectFrom('job')
        .select(jobColumns)
        .where('sealedJobKey', 'is not', null)
        .where('finishedAt', '<=', slot.by)
        .limit(slot.limit),
    ),

    /** Rows that still have a key although that of their job was destroyed by `by`. */
    findUselessKeys: read((db, slot: { by: number; limit: number }) =>
      db
        .selectFrom('jobRow')
        .innerJoin('job', 'job.id', 'jobRow.jobId')
        .select(['jobRow.jobId', 'jobRow.row'])
        .where('jobRow.sealedKey', 'is not', null)
        .where('job.keysDestroyedAt', '<=', slot.by)
        .limit(slot.limit),
    ),

    clearRowKey: write((db, slot: { jobId: string; row: number }) =>
      db.updateTable('jobRow').set({ sealedKey: null }).where('jobId', '=', slot.jobId).where('row', '=', slot.row),
    ),
  };
}

const jobColumns = [
  'id',
  'kind',
  'division',
  'state',
  'createdBy',
  'finishedAt',
  'archive',
  'sealedJobKey',
  'keysDestroyedAt',
] as const;
