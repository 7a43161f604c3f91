/** JSON Schemas of what operations take and answer, with the named ones as components of one document. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** What this API's schemas consist of (JSON Schema 2020-12). */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly contentMediaType?: string;
}

type Direction = 'input' | 'output';

/** A schema whose references are settled when all are known. */
interface Added {
  readonly schema: JsonSchema;
  readonly direction: Direction;
}

interface SchemaCollection {
  /** @param owner what schemas that have no name of their own, but refer to themselves, are named after */
  add(schema: z.ZodType, direction: Direction, owner: string): Added;
  finish(): {
    readonly components: Readonly<Record<string, JsonSchema>>;
    resolve(added: Added): JsonSchema;
  };
}

/** What is taken may differ from what is answered (defaults): a component then has two forms, one of them named `…Input`. */
export function createSchemaCollection(): SchemaCollection {
  const named = { input: new Map<string, JsonSchema>(), output: new Map<string, JsonSchema>() };
  return {
    add: (schema, direction, owner) => {
      const { root, definitions } = convert(schema, direction, owner);
      for (const [name, definition] of definitions) {
        const known = named[direction].get(name);
        if (known !== undefined && !isDeepStrictEqual(known, definition))
          throw new Error(`two different schemas have the id "${name}"`);
        named[direction].set(name, definition);
      }
      return { schema: root, direction };
    },
    finish: () => {
      const apart = differing(named);
      const nameOf = (name: string, direction: Direction) =>
        direction === 'input' && apart.has(name) ? `${name}Input` : name;
      const resolve = ({ schema, direction }: Added) =>
        mapReferences(schema, (name) => `#/components/schemas/${nameOf(name, direction)}`);
      const components = new Map<string, JsonSchema>();
      for (const direction of ['output', 'input'] as const) {
        for (const [name, schema] of named[direction]) {
          components.set(nameOf(name, direction), resolve({ schema, direction }));
        }
      }
      const sorted = [...components].sort(([a], [b]) => (a < b ? -1 : 1));
      return { components: Object.fromEntries(sorted), resolve };
    },
  };
}

const definitionsPath = '#/$defs/';

function convert(schema: z.ZodType, direction: Direction, owner: string) {
  // Within an object, so that a schema that refers to itself becomes a definition like any other.
  const converted = z.toJSONSchema(z.strictObject({ root: schema }), {
    io: direction,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Any whole number: what JavaScript adds to that is nobody's business.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as JsonSchema & { readonly $defs?: Readonly<Record<string, JsonSchema>> };
  const rename = (name: string) => name.replace(/^__schema/, `${owner}-${direction}-`);
  const plain = (each: JsonSchema) => mapReferences(each, (name) => `${definitionsPath}${rename(name)}`);
  return {
    root: plain(converted.properties?.root ?? {}),
    definitions: Object.entries(converted.$defs ?? {}).map(([name, each]) => [rename(name), plain(each)] as const),
  };
}

/** Names whose two forms differ, or refer to some that do. */
function differing(named: Readonly<Record<Direction, ReadonlyMap<string, JsonSchema>>>): ReadonlySet<string> {
  const both = [...named.input].flatMap(([name, input]) => {
    const output = named.output.get(name);
    return output === undefined ? [] : [{ name, input, output }];
  });
  const apart = new Set(both.filter(({ input, output }) => !isDeepStrictEqual(input, output)).map(({ name }) => name));
  for (let size = -1; size !== apart.size; ) {
    size = apart.size;
    for (const { name, input } of both) if (referencesOf(input).some((each) => apart.has(each))) apart.add(name);
  }
  return apart;
}

function referencesOf(schema: JsonSchema): string[] {
  const names: string[] = [];
  mapReferences(schema, (name) => {
    names.push(name);
    return name;
  });
  return names;
}

function mapReferences(schema: JsonSchema, map: (name: string) => string): JsonSchema {
  return mapValue(schema, map) as JsonSchema;
}

/** JSON Schema is JSON: `$ref` is looked for wherever it may be, but not among the names of properties. */
function mapValue(value: unknown, map: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => mapValue(each, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) =>
      key === '$ref' && typeof each === 'string' && each.startsWith(definitionsPath)
        ? [key, map(each.slice(definitionsPath.length))]
        : [key, mapValue(each, map)],
    ),
  );
}
