/** Jobs, how far they are, and their rows. */
import { type ColumnDefinitionBuilder, type Compilable, sql } from 'kysely';
import type { Migration } from '../migration.js';

export const jobs: Migration = {
  name: '0009-jobs',
  statements: ({ table, createIndex, text, integer, bytes }): Compilable[] => [
    table('job')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('kind', text, required)
      .addColumn('division', text, required)
      .addColumn('name', text)
      .addColumn('options', text, required)
      .addColumn('selection', text)
      .addColumn('state', text, required)
      .addColumn('problem', text)
      .addColumn('starts_by_itself', integer, required)
      .addColumn('created_by', text, required)
      .addColumn('created_at', integer, required)
      .addColumn('started_at', integer)
      .addColumn('finished_at', integer)
      .addColumn('input_name', text)
      .addColumn('input_format', text)
      .addColumn('input_columns', text)
      .addColumn('loader', text)
      .addColumn('loader_until', integer)
      .addColumn('sealed_job_key', bytes)
      .addColumn('keys_destroyed_at', integer)
      .addColumn('archive', text)
      .addColumn('deleted_at', integer),
    createIndex('job_state').on('job').columns(['state', 'id']),
    createIndex('job_division').on('job').columns(['division', 'id']),
    createIndex('job_deleted_at').on('job').column('deleted_at').where(sql<boolean>`deleted_at is not null`),

    createIndex('job_keys').on('job').column('finished_at').where(sql<boolean>`sealed_job_key is not null`),

    // Apart from the job, for it changes with every row: a few bytes are written then, not the options.
    table('job_progress')
      .addColumn('job_id', text, (column) => column.notNull().primaryKey())
      .addColumn('total', integer, required)
      .addColumn('done', integer, required)
      .addColumn('failed', integer, required)
      .addColumn('samples', text, required),

    table('job_row')
      .addColumn('job_id', text, required)
      .addColumn('row', integer, required)
      .addColumn('state', text, required)
      .addColumn('input', text, required)
      .addColumn('result', text)
      .addColumn('error_code', text)
      .addColumn('reason', text)
      .addColumn('done_at', integer)
      .addColumn('certificate', bytes)
      .addColumn('sealed_key', bytes)
      .addPrimaryKeyConstraint('job_row_key', ['job_id', 'row']),
    createIndex('job_row_state').on('job_row').columns(['job_id', 'state', 'row']),
    createIndex('job_row_sealed_key')
      .on('job_row')
      .columns(['job_id', 'row'])
      .where(sql<boolean>`sealed_key is not null`),
  ],
};

const required = (column: ColumnDefinitionBuilder) => column.notNull();
