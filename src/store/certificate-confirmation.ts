/** Certificates that their requesters have to confirm, and those whose place they take by it. */
import type { CertificateRecord } from './certificate-record.js';
import { certificateColumns as columns } from './certificate-record.js';
import type { Database } from './database.js';

export function createCertificateConfirmation(database: Database) {
  const { write, read } = database.tables<{ certificate: CertificateRecord }>();

  return {
    /** Those whose time to be confirmed was over `at` (epoch milliseconds), the longest over first. */
    lapsed: read((db, slot: { at: number; limit: number }) =>
      db
        .selectFrom('certificate')
        .select(columns)
        .where('confirmBy', '<=', slot.at)
        .orderBy('confirmBy')
        .limit(slot.limit),
    ),

    /** Refused as 'already-confirmed' unless it is this requester's, valid, unconfirmed and in time. */
    confirm: write(
      (db, slot: { id: string; requester: string; at: number }) =>
        db
          .updateTable('certificate')
          .set({ confirmBy: null })
          .where('id', '=', slot.id)
          .where('requester', '=', slot.requester)
          .where('status', '=', 'valid')
          .where('confirmBy', '>', slot.at),
      { rows: 1, otherwise: 'already-confirmed' },
    ),

    /** Brings the end of the time to confirm it forward; it never puts it off. */
    confirmSooner: write((db, slot: { id: string; confirmBy: number }) =>
      db
        .updateTable('certificate')
        .set({ confirmBy: slot.confirmBy })
        .where('id', '=', slot.id)
        .where('confirmBy', '>', slot.confirmBy),
    ),

    /** Guard: refuses the change as 'unavailable' unless it is still to be confirmed by that time. */
    requireUnconfirmed: write(
      (db, slot: { id: string; confirmBy: number }) =>
        db
          .updateTable('certificate')
          .set((row) => ({ status: row.ref('status') }))
          .where('id', '=', slot.id)
          .where('confirmBy', '=', slot.confirmBy),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Says which certificate takes its place. Refused as 'unavailable' if another one does so already. */
    supplant: write(
      (db, slot: { id: string; supplantedBy: string }) =>
        db
          .updateTable('certificate')
          .set({ supplantedBy: slot.supplantedBy })
          .where('id', '=', slot.id)
          .where('supplantedBy', 'is', null),
      { rows: 1, otherwise: 'unavailable' },
    ),

    /** Gives a certificate its place back, before the one that was to take it is revoked; nothing if that was confirmed. */
    reinstate: write((db, slot: { id: string; supplantedBy: string }) =>
      db
        .updateTable('certificate')
        .set({ supplantedBy: null })
        .where('id', '=', slot.id)
        .where('supplantedBy', '=', slot.supplantedBy)
        .where((row) =>
          row.exists(
            row
              .selectFrom('certificate as successor')
              .select('successor.id')
              .where('successor.id', '=', slot.supplantedBy)
              .where('successor.confirmBy', 'is not', null),
          ),
        ),
    ),
  };
}
