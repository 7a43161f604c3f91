/** Whose certificates a requester has got over CMP: that says which one a revocation passphrase is for. */
import { type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const certificateRequesters: Migration = {
  name: '0005-certificate-requesters',
  statements: ({ createIndex }): Compilable[] => [
    // Other protocols have no use for it, and spare themselves the entry.
    createIndex('certificate_cmp_requester')
      .on('certificate')
      .column('requester')
      .where(sql<boolean>`status = 'valid' and protocol = 'cmp'`),
  ],
};
