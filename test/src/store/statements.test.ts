import { describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import type { Compilable, QueryCreator } from 'kysely';
import type { Expectation, Statement } from '../../../src/store/change.js';
import { createDatabase, type Database, type Queries, type RunRead } from '../../../src/store/database.js';
import { createPostgresqlDialect, createSqliteDialect, type Dialect } from '../../../src/store/dialect.js';
import { migrations } from '../../../src/store/migrate.js';
import { createMigrationSchema } from '../../../src/store/migration.js';
import type { Values } from '../../../src/store/query.js';
import { createRepositories } from '../../../src/store/repositories.js';
import { withStore } from './temporary-store.js';

// Each value is the name that it was given under, so that the parameters tell which slot they came from.
const names = new Proxy({}, { get: (_target, name) => String(name) });

/** Binds every statement of every repository, as soon as it is compiled, and gathers what comes out. */
async function statementsOf(dialect: Dialect): Promise<Statement[]> {
  const statements: Statement[] = [];
  const run: RunRead = async (sql, parameters) => {
    statements.push({ sql, parameters });
    return [];
  };
  const reads: Promise<unknown>[] = [];
  const plain = createDatabase(dialect, run);
  const recording: Database = {
    dialect: plain.dialect,
    tables<Tables>(): Queries<Tables> {
      const queries = plain.tables<Tables>();
      return {
        write<V extends Values<V>>(
          build: (db: QueryCreator<Tables>, slot: V) => Compilable,
          expectation?: Expectation,
        ) {
          const bind = queries.write(build, expectation);
          statements.push(bind(names as V));
          return bind;
        },
        read<V extends Values<V>, Row>(build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>) {
          const bound = queries.read(build);
          reads.push(bound(names as V));
          return bound;
        },
        find<V extends Values<V>, Row>(build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>) {
          const bound = queries.find(build);
          reads.push(bound(names as V));
          return bound;
        },
        list: queries.list,
      };
    },
  };
  const repositories = createRepositories(recording);
  const page = { limit: 10 };
  await Promise.all([
    ...reads,
    repositories.certificates.list(page),
    repositories.certificates.list({
      ...page,
      policy: 'p',
      profile: 'p',
      usage: 'service',
      deviceId: 'd',
      issuerId: 'i',
      status: 'held',
      protocol: 'est',
      requestId: 'r',
      subjectContains: '100%',
      expiresBefore: 1,
      expiresFrom: 1,
      after: { issuedAt: 1, id: 'i' },
    }),
    repositories.certificates.search({
      ...page,
      conditions: {
        ids: ['i:1', 'i:2'],
        deviceId: 'd',
        certificateFingerprint: 'f',
        keyFingerprint: 'k',
        policies: ['p', 'q'],
        profile: 'p',
        usage: 'service',
        issuerId: 'i',
        protocol: 'est',
        deviceGroup: 'g',
        status: { is: 'revoked', at: 1 },
        subject: '100%',
        name: 'dns:a',
        text: 'a_b',
        issuedAt: { from: 1, before: 2 },
        notAfter: { from: 1, before: 2 },
      },
      order: { by: 'notAfter', descending: true },
      after: { at: 1, id: 'i' },
      upTo: { at: 1, id: 'i' },
    }),
    repositories.certificates.endOfPart(
      {
        ...page,
        conditions: { issuedAt: { from: 1 } },
        order: { by: 'issuedAt', descending: false },
        after: { at: 1, id: 'i' },
      },
      10,
    ),
    ...(['createdAt', 'updatedAt'] as const).map((by) =>
      repositories.enrollmentTransactions.endOfPart({ by, descending: true }, { at: 1, requestId: 'r' }, 10),
    ),
    repositories.credentials.boundToDevice({ name: 'n', within: ['p', 'q'] }),
    repositories.credentials.passphrasesOfDevice({ deviceId: 'd', within: ['p', 'q'] }),
    repositories.credentials.shownByDevice({ deviceId: 'd', within: ['p', 'q'] }),
    repositories.jobArchives.keysOfDevice({ deviceId: 'd', limit: 10 }),
    repositories.devices.list({
      ...page,
      division: 'd',
      groupName: 'g',
      state: 'retired',
      after: { division: 'd', name: 'n' },
    }),
    ...(['name', 'createdAt', 'updatedAt'] as const).flatMap((by) => {
      const sorted = { ...page, division: 'd', by, descending: true };
      return [
        repositories.devices.sorted(sorted),
        repositories.devices.sorted({ ...sorted, after: { value: 1, id: 'i' } }),
      ];
    }),
    repositories.enrollmentTransactions.list({
      ...page,
      state: 'pending',
      policy: 'p',
      policies: ['p', 'q'],
      groupName: 'g',
      protocol: 'est',
      order: { by: 'updatedAt', descending: true },
      after: { at: 1, requestId: 'r' },
      upTo: { at: 1, requestId: 'r' },
    }),
    ...(['createdAt', 'name'] as const).flatMap((by) => {
      const order = { by, descending: true };
      const place = { name: 'n', id: 'i' };
      return [
        repositories.jobs.list({
          ...page,
          divisions: ['d', 'e'],
          kind: 'register-devices',
          state: 'running',
          createdBy: 'user alice',
          search: '100%',
          order,
          after: place,
          upTo: place,
        }),
        repositories.jobs.endOfPart(order, place, 10),
      ];
    }),
    ...(['name', 'createdAt'] as const).flatMap((by) => {
      const named = { ...page, order: { by, descending: true }, after: { value: 'v', name: 'n' } };
      return [
        repositories.credentials.page({ ...named, authenticationPolicy: 'p' }),
        repositories.users.list({ ...named, enabled: true, search: '100%' }),
        repositories.apiKeys.list({ ...named, state: { is: 'valid', at: 1 }, search: '100%' }),
        repositories.apiKeys.list({ ...page, owner: 'o' }),
        repositories.catalog.ofKind({ ...page, kind: 'k', order: { by: 'updatedAt', descending: true } }),
      ];
    }),
    repositories.devices.findByIds(['d', 'e']),
    repositories.audit.search({ ...page, window: 10, device: 'd', ascending: true, after: { at: 1, sequence: 1 } }),
    repositories.audit.search({ ...page, window: 10, action: 'a', from: 1, to: 2, after: { at: 1, sequence: 1 } }),
    repositories.jobRows.list({ ...page, jobId: 'j', state: 'failed', after: 1 }),
    repositories.jobRows.list({ ...page, jobId: 'j', descending: true }),
    repositories.audit.list({ ...page, action: 'a', outcome: 'o', subject: 's', before: 1 }),
    repositories.audit.list({ ...page, device: 'd' }),
    repositories.unmanagedCas.list({
      ...page,
      divisions: ['d', 'e'],
      deviceId: 'd',
      search: '100%',
      after: { createdAt: 1, id: 'i' },
    }),
    repositories.unmanagedCertificates.list({ ...page, unmanagedCaId: 'u', search: 'a_b', after: '0a' }),
    repositories.unmanagedCertificates.states({ ...page, unmanagedCaId: 'u', after: '0a' }),
  ]);
  return statements;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function insertedColumns(sql: string): string[] | undefined {
  return /^insert into "\w+" \(([^)]*)\) (?:values|select)/
    .exec(sql)?.[1]
    ?.split(', ')
    .map((column) => column.replaceAll('"', ''));
}

describe('every statement of every repository', () => {
  const dialects = [createSqliteDialect(), createPostgresqlDialect()];

  it.each(dialects)('compiles for $name with one value per placeholder', async (dialect) => {
    const statements = await statementsOf(dialect);
    expect(statements.length).toBeGreaterThan(60);
    for (const { sql, parameters } of statements) {
      const placeholders = dialect.name === 'sqlite' ? sql.match(/\?/g) : sql.match(/\$\d+/g);
      expect(placeholders ?? []).toHaveLength(parameters.length);
      if (dialect.name === 'postgresql') {
        expect(placeholders ?? []).toEqual(parameters.map((_parameter, index) => `$${index + 1}`));
      }
    }
  });

  it.each(dialects)('binds inserted values to the columns of their names for $name', async (dialect) => {
    const all = await statementsOf(dialect);
    // Revocations take the number of their change, or all that they say, from rows of other tables.
    const inserts = all.filter(({ sql }) => sql.startsWith('insert') && !sql.startsWith('insert into "revocation"'));
    expect(inserts.length).toBeGreaterThan(10);
    for (const { sql, parameters } of inserts) {
      const columns = insertedColumns(sql) ?? [];
      expect(columns.length).toBeGreaterThan(1);
      expect(parameters.slice(0, columns.length).map((name) => snakeCase(String(name)))).toEqual(columns);
    }
  });

  it('binds the same values in the same order for both databases', async () => {
    const [sqlite, postgresql] = await Promise.all(dialects.map(statementsOf));
    expect(sqlite?.map(({ parameters }) => parameters)).toEqual(postgresql?.map(({ parameters }) => parameters));
  });

  it('never uses returning, and leaves no name in camel case but for what a column is read as', async () => {
    for (const { sql } of await statementsOf(createPostgresqlDialect())) {
      expect(sql).not.toMatch(/\breturning\b/);
      expect(sql.replaceAll(/ as "\w+"/g, '')).not.toMatch(/"[^"]*[A-Z][^"]*"/);
    }
  });
});

describe('SQLite', () => {
  it('finds rows of the tables that grow through an index that fits', async () => {
    const statements = await statementsOf(createSqliteDialect());
    await withStore(async (_store, file) => {
      const connection = new SqliteDatabase(file);
      const planOf = ({ sql, parameters }: Statement) =>
        (connection.prepare(`explain query plan ${sql}`).all(...parameters) as { detail: string }[])
          .map(({ detail }) => detail)
          .join('; ');
      for (const statement of statements) {
        expect(planOf(statement)).not.toMatch(
          /SCAN (?:certificate|credential|device|enrollment_transaction|audit_event|job|job_row)\b(?! USING)/,
        );
      }
      const ofDevice = statements.filter(({ sql }) => /"device_id" = \? and "policy" \|\|/.test(sql));
      expect(ofDevice).toHaveLength(2);
      for (const plan of ofDevice.map(planOf)) expect(plan).toContain('USING INDEX certificate_device');
      // However many there are, a page of them is not sorted first.
      const sorted = statements.filter(({ sql }) => /from "device" where "division" = \?.* order by/.test(sql));
      expect(sorted.length).toBeGreaterThan(5);
      const listed = statements.filter(({ sql }) =>
        /(?:order by "(?:updated_at|created_at|api_key"."created_at|name)"|coalesce\("job"."name"|"job"."id" [<>]).* limit/.test(
          sql,
        ),
      );
      expect(listed.length).toBeGreaterThan(10);
      for (const plan of [...sorted, ...listed].map(planOf)) expect(plan).not.toContain('TEMP B-TREE FOR ORDER BY');
      connection.close();
    });
  });
});

describe('migrations', () => {
  it('compile for PostgreSQL with its types, and with STRICT tables for SQLite', () => {
    const compiled = (dialect: Dialect) => {
      const schema = createMigrationSchema(dialect);
      return migrations.flatMap(({ statements }) => statements(schema).map((statement) => statement.compile().sql));
    };
    const sqlite = compiled(createSqliteDialect()).filter((sql) => sql.startsWith('create table'));
    const postgresql = compiled(createPostgresqlDialect()).filter((sql) => sql.startsWith('create table'));
    expect(sqlite.length).toBe(postgresql.length);
    expect(sqlite.every((sql) => sql.endsWith(' strict'))).toBe(true);
    expect(postgresql.some((sql) => / strict| blob| integer/.test(sql))).toBe(false);
    expect(
      postgresql.every((sql) => sql.includes(' text collate "C"') || /catalog_version|acme_used_nonce/.test(sql)),
    ).toBe(true);
  });
});
