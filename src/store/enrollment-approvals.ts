/** Who has approved requests that wait for people. */
import type { Database } from './database.js';
import { slotsOf } from './query.js';

export interface EnrollmentApprovalRecord {
  readonly requestId: string;
  /** Whom it stands for: what has to differ where two people approve. */
  readonly approver: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The approver, for people; null where that was not kept yet. */
  readonly name: string | null;
  readonly comment: string | null;
}

interface Tables {
  enrollmentApproval: EnrollmentApprovalRecord;
  enrollmentTransaction: { readonly requestId: string };
}

export function createEnrollmentApprovals(database: Database) {
  const { write, read } = database.tables<Tables>();

  return {
    /** Refused as 'invalid-state' if this person approved it before. */
    insertApproval: write(
      (db, slot: EnrollmentApprovalRecord) =>
        db
          .insertInto('enrollmentApproval')
          .values(slotsOf(slot, columns))
          .onConflict((conflict) => conflict.doNothing()),
      { rows: 1, otherwise: 'invalid-state' },
    ),

    /** Those of a request, in their order. */
    approvals: read((db, slot: { requestId: string }) =>
      db
        .selectFrom('enrollmentApproval')
        .select(columns)
        .where('requestId', '=', slot.requestId)
        .orderBy('at')
        .orderBy('approver'),
    ),

    /** Those of requests that are not on record any more. */
    removeOrphaned: write((db) =>
      db
        .deleteFrom('enrollmentApproval')
        .where((row) =>
          row.not(
            row.exists(
              row
                .selectFrom('enrollmentTransaction')
                .select('enrollmentTransaction.requestId')
                .whereRef('enrollmentTransaction.requestId', '=', 'enrollmentApproval.requestId'),
            ),
          ),
        ),
    ),
  };
}

const columns = ['requestId', 'approver', 'at', 'name', 'comment'] as const;
