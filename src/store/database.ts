/** How repositories, and the protocols' own stores, write their queries: once, typed, for both databases. */
import type { Compilable, QueryCreator } from 'kysely';
import { atFirstUse } from '../at-first-use.js';
import type { Bindable, Expectation, Statement } from './change.js';
import type { Dialect } from './dialect.js';
import { checkBindable, compileQuery, type Values } from './query.js';

export interface Database {
  readonly dialect: Dialect['name'];
  /**
   * Queries over the tables that the caller declares, each as the interface of its rows. Names are camelCase here and
   * snake_case in the database: `tables<{ acmeOrder: AcmeOrder }>()` is the table acme_order.
   */
  tables<Tables>(): Queries<Tables>;
}

/**
 * Each function takes a builder, compiles it at first use and for good, and returns a function of the named values:
 * `find((db, slot: { id: string }) => db.selectFrom('key').select(['id', 'algorithm']).where('id', '=', slot.id))`.
 * The builder's `slot` only stands for the values: it can be put into the query, not looked at.
 * Columns are selected by name (never `selectAll`, whose columns keep their snake_case names).
 */
export interface Queries<Tables> {
  /** A write for a {@link Change}. With an expectation it is also a guard. */
  write<V extends Values<V>>(
    build: (db: QueryCreator<Tables>, slot: V) => Compilable,
    expectation?: Expectation,
  ): (values: V) => Statement;
  /** All rows. @throws GatewayError 'unavailable' */
  read<V extends Values<V>, Row>(
    build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>,
  ): (values: V) => Promise<Row[]>;
  /** The first row, if there is one. @throws GatewayError 'unavailable' */
  find<V extends Values<V>, Row>(
    build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>,
  ): (values: V) => Promise<Row | undefined>;
  /** All rows of a query whose shape depends on what is asked, as in a filtered list. Compiled each time: not for a hot path. */
  list<Row>(build: (db: QueryCreator<Tables>) => Compilable<Row>): Promise<Row[]>;
}

/** Runs one compiled read on the database's read-only connection. */
export type RunRead = (sql: string, parameters: readonly Bindable[]) => Promise<unknown[]>;

export function createDatabase(dialect: Dialect, run: RunRead): Database {
  return { dialect: dialect.name, tables: <Tables>() => createQueries(dialect.queries<Tables>(), run) };
}

function createQueries<Tables>(db: QueryCreator<Tables>, run: RunRead): Queries<Tables> {
  function read<V extends Values<V>, Row>(build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>) {
    const query = atFirstUse(() => compileQuery<V>((slot) => build(db, slot)));
    return async (values: V) => {
      const { sql, bind } = query();
      return (await run(sql, bind(values))) as Row[];
    };
  }
  return {
    write<V extends Values<V>>(build: (db: QueryCreator<Tables>, slot: V) => Compilable, expectation?: Expectation) {
      const query = atFirstUse(() => compileQuery<V>((slot) => build(db, slot)));
      return (values: V) => {
        const { sql, bind } = query();
        return { sql, parameters: bind(values), ...expectation };
      };
    },
    read,
    find<V extends Values<V>, Row>(build: (db: QueryCreator<Tables>, slot: V) => Compilable<Row>) {
      const rows = read<V, Row>(build);
      return async (values: V) => (await rows(values))[0];
    },
    async list<Row>(build: (db: QueryCreator<Tables>) => Compilable<Row>) {
      const { sql, parameters } = build(db).compile();
      return (await run(
        sql,
        parameters.map((parameter) => checkBindable(parameter, 'a filter')),
      )) as Row[];
    },
  };
}
