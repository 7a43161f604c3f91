/** What lists are sorted by beside their names: of configuration, people and jobs, none of which an enrollment writes. */
import { type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const lists: Migration = {
  name: '0013-lists',
  statements: ({ createIndex }): Compilable[] => [
    createIndex('catalog_item_updated_at').on('catalog_item').columns(['kind', 'updated_at', 'name']),
    // Without those that devices set by messages, which are not listed.
    createIndex('credential_created_at')
      .on('credential')
      .columns(['authentication_policy', 'created_at', 'name'])
      .where(sql<boolean>`source <> 'message'`),
    createIndex('user_created_at').on('user').columns(['created_at', 'name']),
    createIndex('user_updated_at').on('user').columns(['updated_at', 'name']),
    createIndex('api_key_created_at').on('api_key').columns(['created_at', 'name']),
    createIndex('job_name').on('job').expression(sql`coalesce(name, '')`).column('id'),
    // An enrollment that is answered at once is not in it.
    createIndex('enrollment_transaction_open_updated_at')
      .on('enrollment_transaction')
      .columns(['updated_at', 'request_id'])
      .where(sql<boolean>`state <> 'issued'`),
  ],
};
