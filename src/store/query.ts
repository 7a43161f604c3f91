/** Compiles a query once, with placeholders in place of values, and binds values to it afterwards. */
import { isUint8Array } from 'node:util/types';
import type { Compilable } from 'kysely';
import { GatewayError } from '../errors.js';
import type { Bindable } from './change.js';

/** Named values of a query. */
export type Values<V> = { readonly [Name in keyof V]: Bindable };

export interface CompiledQuery<V> {
  readonly sql: string;
  /** The values in the order of the SQL's placeholders. @throws GatewayError 'internal' if one is not {@link Bindable}. */
  bind(values: V): Bindable[];
}

/**
 * Calls `build` once with an object that has a placeholder under every name, and compiles what it returns.
 * A name may be used more than once; other values that the builder gives become constants.
 */
export function compileQuery<V extends Values<V>>(build: (slot: V) => Compilable): CompiledQuery<V> {
  const { sql, parameters } = build(slots<V>()).compile();
  const order = parameters.map((parameter) =>
    parameter instanceof Slot
      ? { name: parameter.name as keyof V & string, constant: null }
      : { name: undefined, constant: checkBindable(parameter, 'a constant') },
  );
  return {
    sql,
    bind: (values) =>
      order.map(({ name, constant }) => (name === undefined ? constant : checkBindable(values[name], name))),
  };
}

/** The slots of these columns, for `insertInto(…).values(…)`. */
export function slotsOf<V, Column extends keyof V>(slot: V, columns: readonly Column[]): Pick<V, Column> {
  const picked: Partial<Pick<V, Column>> = {};
  for (const column of columns) {
    picked[column] = slot[column];
  }
  return picked as Pick<V, Column>;
}

/** better-sqlite3 takes `undefined`, NaN and arrays silently, so that the mistake would only be seen in the data. */
export function isBindable(value: unknown): value is Bindable {
  return typeof value === 'string' || value === null || Number.isSafeInteger(value) || isUint8Array(value);
}

export function notBindable(value: unknown, name: string): GatewayError {
  return new GatewayError('internal', 'the request could not be recorded', {
    cause: new TypeError(`the value of ${name} is ${describe(value)}, which the database cannot keep`),
  });
}

/** @throws GatewayError 'internal' */
export function checkBindable(value: unknown, name: string): Bindable {
  if (!isBindable(value)) {
    throw notBindable(value, name);
  }
  return value;
}

class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

// The builder is written as if it saw the values themselves; Kysely passes them on unseen.
function slots<V>(): V {
  return new Proxy({}, { get: (_target, name) => new Slot(String(name)) }) as V;
}

function describe(value: unknown): string {
  if (typeof value === 'number') {
    return `the number ${value}`;
  }
  return Array.isArray(value) ? 'an array' : typeof value;
}
