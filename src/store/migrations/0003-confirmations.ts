/** Certificates that their requesters have to confirm, and those that wait for it to be replaced (CMP's certConf and kur). */
import { type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const confirmations: Migration = {
  name: '0003-confirmations',
  statements: ({ alterTable, createIndex, text, integer }): Compilable[] => [
    alterTable('certificate').addColumn('confirm_by', integer),
    alterTable('certificate').addColumn('supplanted_by', text),
    // Few are unconfirmed at any time, and only those cost an entry.
    createIndex('certificate_unconfirmed')
      .on('certificate')
      .column('confirm_by')
      .where(sql<boolean>`confirm_by is not null`),
  ],
};
