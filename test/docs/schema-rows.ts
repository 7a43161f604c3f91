/** What a schema of the configuration says of its keys, read from the schema itself. */
import { z } from 'zod';
import { durationText } from '../../src/model/duration-text.js';

export interface SchemaRow {
  /** Such as `profiles[].usage` or `limits.perMinute`. */
  readonly key: string;
  readonly type: string;
  readonly isRequired: boolean;
  /** As it would be written; undefined where there is none. */
  readonly fallback: string | undefined;
  readonly meaning: string;
}

/** One row for each key, keys of keys below their own; `apart` has sections of its own. */
export function schemaRows(schema: unknown, apart: ReadonlySet<string> = new Set()): SchemaRow[] {
  return unwrap(schema).inner instanceof z.ZodObject ? objectRows(schema, '', apart) : [];
}

/** What lies below defaults and the like. */
interface Unwrapped {
  readonly inner: unknown;
  readonly isOptional: boolean;
  readonly fallback?: unknown;
  readonly description: string;
}

function unwrap(schema: unknown): Unwrapped {
  let inner = schema;
  let isOptional = false;
  let fallback: unknown;
  let description = '';
  for (;;) {
    if (inner instanceof z.ZodType && description === '') description = inner.description ?? '';
    if (inner instanceof z.ZodDefault) {
      fallback ??= inner.def.defaultValue;
      isOptional = true;
      inner = inner.unwrap();
    } else if (inner instanceof z.ZodOptional) {
      isOptional = true;
      inner = inner.unwrap();
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.in;
    } else if (inner instanceof z.ZodLazy) {
      inner = inner.unwrap();
    } else {
      return { inner, isOptional, fallback, description };
    }
  }
}

function objectRows(schema: unknown, prefix: string, apart: ReadonlySet<string>): SchemaRow[] {
  const { inner } = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape).flatMap(([name, field]) =>
    apart.has(name) ? [] : fieldRows(field, `${prefix}${name}`, apart),
  );
}

function fieldRows(field: unknown, key: string, apart: ReadonlySet<string>): SchemaRow[] {
  const { inner, isOptional, fallback, description } = unwrap(field);
  const element = inner instanceof z.ZodArray ? unwrap(inner.element).inner : undefined;
  const own = {
    key,
    type: typeText(inner),
    isRequired: !isOptional,
    fallback: isPlain(fallback) ? writtenAs(fallback, inner) : undefined,
    meaning: description,
  };
  const below = element instanceof z.ZodObject ? `${key}[].` : `${key}.`;
  return [own, ...objectRows(element ?? inner, below, apart)];
}

/** Defaults of maps are those of their keys. */
function isPlain(value: unknown): boolean {
  return value !== undefined && (typeof value !== 'object' || Array.isArray(value));
}

function writtenAs(value: unknown, schema: unknown): string {
  if (typeof value === 'number' && typeText(schema) === 'duration') return durationText(value);
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

function typeText(schema: unknown): string {
  const { inner } = unwrap(schema);
  if (inner instanceof z.ZodArray) return `list of ${typeText(inner.element)}`;
  if (inner instanceof z.ZodObject) return 'map';
  if (inner instanceof z.ZodNonOptional) return typeText(inner.unwrap());
  if (inner instanceof z.ZodRecord) return `map of names to ${typeText(inner.valueType)}`;
  if (inner instanceof z.ZodEnum) return inner.options.map((option) => `\`${option}\``).join(' ');
  if (inner instanceof z.ZodLiteral) return [...inner.values].map((value) => `\`${value}\``).join(' ');
  if (inner instanceof z.ZodBoolean) return '`true` `false`';
  if (inner instanceof z.ZodUnion) return unionText(inner.options.map(typeText));
  return inner instanceof z.ZodType ? leafText(inner) : 'value';
}

function unionText(types: readonly string[]): string {
  if (types.every((type) => type.startsWith('address') || type.startsWith('network'))) return 'address or network';
  return [...new Set(types)].join(' or ');
}

const leafSchema = z.looseObject({
  type: z.string().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
});

const formats: Readonly<Record<string, string>> = {
  uri: 'URL',
  'date-time': 'time',
  ipv4: 'address',
  ipv6: 'address',
  cidrv4: 'network',
  cidrv6: 'network',
};

function leafText(schema: z.ZodType): string {
  const leaf = leafSchema.parse(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  const { type, format, pattern = '', minimum, maximum, minLength, maxLength } = leaf;
  if (type === 'integer') return `whole number${rangeText(minimum, maximum)}`;
  if (format !== undefined && formats[format] !== undefined) return formats[format];
  if (pattern.includes('[smhdwy]')) return 'duration';
  if (pattern.startsWith('^[A-Za-z0-9][A-Za-z0-9._-]{0,63}')) return 'name';
  if (pattern.startsWith('^[0-2](\\.')) return 'object identifier';
  return `text${minLength === undefined && maxLength === undefined ? '' : `, ${lengthText(minLength, maxLength)}`}`;
}

function rangeText(minimum = 0, maximum = Number.MAX_SAFE_INTEGER): string {
  return maximum === Number.MAX_SAFE_INTEGER ? `, ${minimum} or more` : `, ${minimum} to ${maximum}`;
}

function lengthText(minimum = 0, maximum?: number): string {
  return maximum === undefined ? `${minimum} or more characters` : `${minimum} to ${maximum} characters`;
}
