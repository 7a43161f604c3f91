/** Schemas for people: fields with their types, in words. */
import { fromMarkdown, type Html, html, inline } from '../http/html.js';
import type { JsonSchema } from './json-schemas.js';

/** A list of an object's fields, those of objects within it below them. */
export function fieldList({ properties = {}, required = [] }: JsonSchema): Html {
  const fields = Object.entries(properties);
  if (fields.length === 0) return html`<p>No fields.</p>`;
  return html`<ul class="fields">${fields.map(([name, schema]) => field(name, schema, required.includes(name)))}</ul>`;
}

export function field(name: string, schema: JsonSchema, isRequired: boolean): Html {
  return html`<li><code>${name}</code> <span class="type">${typeOf(schema)}</span>${
    isRequired ? html` <span class="required">required</span>` : ''
  }${schema.description === undefined ? '' : fromMarkdown(schema.description)}${innerFields(schema)}</li>`;
}

/** A schema that stands by itself: its fields, or what it is. */
export function schemaBody(schema: JsonSchema): Html {
  if (schema.$ref === undefined && schema.properties) return fieldList(schema);
  return html`<p>${typeOf(schema)}</p>${innerFields(schema)}`;
}

/** What a value is, on one line, with its bounds. */
function typeOf(schema: JsonSchema): Html {
  const { $ref, const: constant, enum: values, items, prefixItems, additionalProperties } = schema;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if ($ref !== undefined) return reference($ref);
  if (constant !== undefined) return html`<code>${JSON.stringify(constant)}</code>`;
  if (values)
    return html`${separated(
      values.map((value) => html`<code>${JSON.stringify(value)}</code>`),
      ' or ',
    )}${bounds(schema)}`;
  if (alternatives) return html`${separated(alternatives.map(typeOf), ' or ')}${bounds(schema)}`;
  if (schema.allOf) return separated(schema.allOf.map(typeOf), ' and ');
  if (prefixItems) return html`list of ${separated(prefixItems.map(typeOf), ', ')}`;
  if (items) return html`list of ${typeOf(items)}${bounds(schema)}`;
  if (schema.properties) return html`object`;
  if (typeof additionalProperties === 'object') return html`map of names to ${typeOf(additionalProperties)}`;
  const names = [schema.type].flat().map((type) => typeNames.get(type ?? '') ?? type ?? 'any value');
  return html`${names.join(' or ')}${bounds(schema)}`;
}

function bounds(schema: JsonSchema): Html | undefined {
  const { format, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const parts = [
    format && (formatNames.get(format) ?? format),
    between(minimum, maximum, ''),
    between(schema.minLength, schema.maxLength, ' characters'),
    between(schema.minItems, schema.maxItems, ' entries'),
    exclusiveMinimum === undefined ? undefined : `more than ${exclusiveMinimum}`,
    exclusiveMaximum === undefined ? undefined : `less than ${exclusiveMaximum}`,
    pattern && !format && pattern.length <= longestPattern ? inline(`like \`${pattern}\``) : undefined,
    schema.default === undefined ? undefined : inline(`default \`${JSON.stringify(schema.default)}\``),
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? undefined : html`, ${separated(parts, ', ')}`;
}

const longestPattern = 60;

function between(least: number | undefined, most: number | undefined, unit: string): string | undefined {
  if (least === undefined) return most === undefined ? undefined : `at most ${most}${unit}`;
  if (most === undefined) return `at least ${least}${unit}`;
  return least === most ? `${least}${unit}` : `${least} to ${most}${unit}`;
}

/** The fields to be shown below a field: of the object that it is or consists of, or of each object that it may be. */
function innerFields(schema: JsonSchema): Html | string {
  if (schema.$ref !== undefined) return '';
  if (schema.properties) return fieldList(schema);
  const { anyOf, oneOf, items, additionalProperties } = schema;
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return html`${alternatives.map(innerFields)}`;
  const inner = items ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  return inner ? innerFields(inner) : '';
}

function reference($ref: string): Html {
  const name = $ref.slice($ref.lastIndexOf('/') + 1);
  return html`<a href="#schema-${name}">${name}</a>`;
}

function separated(parts: readonly (Html | string | undefined)[], separator: string): Html {
  return html`${parts.flatMap((part, index) => (index === 0 ? [part] : [separator, part]))}`;
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['string', 'text'],
  ['integer', 'whole number'],
  ['number', 'number'],
  ['boolean', 'true or false'],
  ['array', 'list'],
  ['object', 'object'],
  ['null', 'null'],
]);

const formatNames: ReadonlyMap<string, string> = new Map([
  ['date-time', 'RFC 3339 time'],
  ['uri', 'URL'],
  ['uuid', 'UUID'],
]);
