/** Requests that an operation has to refuse, made of what its documentation says it takes. */

import { exampleOf } from '../../src/api/example.js';
import type { JsonSchema } from '../../src/api/json-schemas.js';
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from '../../src/api/openapi.js';
import type { ApiMessage } from '../support/api-message.js';

export interface BadRequest {
  /** What is wrong with it. */
  readonly defect: string;
  /** Of the path, by name. */
  readonly params?: Readonly<Record<string, string>>;
  /** Without question mark. */
  readonly query?: string;
  readonly message?: ApiMessage;
  /** Undefined where the schema alone does not say that it is wrong: then it must not fail, and that is all. */
  readonly status?: number | 'refused';
}

type Components = OpenApiDocument['components']['schemas'];

/** All of them; the same each time. */
export function badRequests(operation: OpenApiOperation, components: Components): readonly BadRequest[] {
  const { parameters = [], requestBody } = operation;
  const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  return [
    { defect: 'no credentials', message: { key: '' }, status: 401 },
    { defect: 'an unknown key', message: { key: 'unknown' }, status: 401 },
    ...(operation['x-permission'] ? [{ defect: 'no role', message: { key: 'nothing' }, status: 403 } as const] : []),
    { defect: 'an unknown query parameter', query: 'no-such-parameter=1', status: 400 },
    { defect: 'a query that is no UTF-8', query: 'x=%ff', status: 400 },
    ...parameters.flatMap((parameter) => badParameters(parameter, components)),
    ...(type?.endsWith('json') && content ? badBodies(type, content.schema, components) : badStreams(type)),
  ];
}

const long = 'x'.repeat(3000);

function badParameters({ in: place, name, schema }: OpenApiParameter, components: Components): BadRequest[] {
  if (place === 'path') {
    return ['%00', '%F0%9F%92%A9', '..%2F..%2Fx', '__proto__', 'constructor', '%27%20or%201%3D1', long].map(
      (value) => ({
        defect: `${name} in the path: ${value.slice(0, 20)}`,
        params: { [name]: value },
        status: 'refused',
      }),
    );
  }
  if (place !== 'query') return [];
  const types = typesOf(schema, components);
  const isText = types.has('string') && !schema.enum;
  const wrong = isText ? [] : ['nonsense', '', '[]', '-1e99', '1.5'];
  const odd = isText ? ['', '%00', '%27%20or%201%3D1%20--', '%25_%5C', long, '%F0%9F%92%A9'] : ['99999999999999999999'];
  return [
    { defect: `${name} twice`, query: `${name}=1&${name}=2`, status: 400 },
    ...wrong.map(
      (value): BadRequest => ({ defect: `${name}: ${value}`, query: `${name}=${value}`, status: 'refused' }),
    ),
    ...odd.map((value): BadRequest => ({ defect: `${name}: odd ${value.slice(0, 10)}`, query: `${name}=${value}` })),
  ];
}

function badStreams(type: string | undefined): BadRequest[] {
  if (type === undefined) {
    const unknown = { method: '', body: { noSuchMember: 1 } };
    return [{ defect: 'a body where there is none', message: unknown, status: 400 }];
  }
  const contents = ['', '\0\0\0', '"', 'PK\x03\x04', 'a,b\n1,2,3\n', '{}', `${'x,'.repeat(10_000)}`, '\ufeff\ufeff'];
  return [
    { defect: 'another media type', message: { body: 'x', headers: { 'content-type': 'image/png' } }, status: 415 },
    ...contents.map((body) => ({
      defect: `content ${body.slice(0, 8)}`,
      message: { body, headers: { 'content-type': type } },
    })),
  ];
}

function badBodies(type: string, schema: JsonSchema, components: Components): BadRequest[] {
  const headers = { 'content-type': type };
  const text = (body: string | Uint8Array): ApiMessage => ({ body, headers });
  const valid = exampleOf(schema, components);
  return [
    { defect: 'another media type', message: { body: '{}', headers: { 'content-type': 'text/plain' } }, status: 415 },
    {
      defect: 'a compressed body',
      message: { body: '{}', headers: { ...headers, 'content-encoding': 'gzip' } },
      status: 415,
    },
    { defect: 'half a document', message: text('{"a":'), status: 400 },
    { defect: 'no UTF-8', message: text(Buffer.from([0x7b, 0x22, 0xc0, 0x22, 0x3a, 0x31, 0x7d])), status: 400 },
    { defect: 'a deep document', message: text(`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`), status: 400 },
    ...['null', '[]', '"text"', '1'].map(
      (body): BadRequest => ({ defect: `the body ${body}`, message: text(body), status: 400 }),
    ),
    { defect: 'a prototype', message: text('{"__proto__":{"isAdmin":true}}'), status: 400 },
    ...badValues(schema, valid, components, 0).map(({ defect, value, isCertain }): BadRequest => {
      const message = text(JSON.stringify(value));
      return isCertain ? { defect, message, status: 'refused' } : { defect, message };
    }),
  ];
}

interface BadValue {
  readonly defect: string;
  readonly value: unknown;
  readonly isCertain: boolean;
}

const deepest = 3;
const jsonTypes: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['boolean', true],
  ['number', 12345.5],
  ['string', 'no such text'],
  ['array', [[]]],
  ['object', { noSuchMember: 1 }],
];

/** A value with one thing wrong, at every place that the schema knows. */
function badValues(written: JsonSchema, valid: unknown, components: Components, depth: number): BadValue[] {
  const schema = resolved(written, components);
  const types = typesOf(schema, components);
  const wrongTypes = jsonTypes
    .filter(([type]) => types.size > 0 && !types.has(type) && !(type === 'number' && types.has('integer')))
    .map(([type, value]) => ({ defect: `is of type ${type}`, value, isCertain: true }));
  const bounds = badBounds(schema);
  if (depth >= deepest) return [...wrongTypes, ...bounds];
  if (schema.items) {
    const inner = badValues(schema.items, exampleOf(schema.items, components), components, depth + 1);
    const lists = inner.map(({ defect, value, isCertain }) => ({ defect: `[0] ${defect}`, value: [value], isCertain }));
    return [...wrongTypes, ...bounds, ...lists];
  }
  if (!schema.properties) return [...wrongTypes, ...bounds];
  const base: Readonly<Record<string, unknown>> = typeof valid === 'object' && valid !== null ? { ...valid } : {};
  const unknown = schema.additionalProperties === false;
  const members = Object.entries(schema.properties).flatMap(([name, property]) =>
    badValues(property, base[name] ?? exampleOf(property, components), components, depth + 1).map((bad) => ({
      defect: `.${name} ${bad.defect}`,
      value: { ...base, [name]: bad.value },
      isCertain: bad.isCertain,
    })),
  );
  const missing = (schema.required ?? []).map((name) => {
    const { [name]: _left, ...rest } = base;
    return { defect: `without .${name}`, value: rest, isCertain: true };
  });
  return [
    ...wrongTypes,
    { defect: 'with an unknown member', value: { ...base, noSuchMember: 1 }, isCertain: unknown },
    ...missing,
    ...members,
  ];
}

/** Just beyond each bound; and what has no bound is made large and odd. */
function badBounds(schema: JsonSchema): BadValue[] {
  const { minimum, maximum, minLength, maxLength, maxItems, enum: values, type } = schema;
  const certain = (defect: string, value: unknown) => ({ defect, value, isCertain: true });
  const odd = ['', '\0', ' ', 'a\u202eb', '\ud800', long, '../../etc/passwd', '$(id)', "' or 1=1 --", '__proto__'];
  return [
    ...(minimum === undefined ? [] : [certain('is too small', minimum - 1)]),
    ...(maximum === undefined ? [] : [certain('is too large', maximum + 1)]),
    ...(type === 'integer' ? [certain('is broken', (minimum ?? 0) + 0.5), certain('is endless', 1e300)] : []),
    ...(minLength ? [certain('is too short', '')] : []),
    ...(maxLength === undefined || maxLength > 1_000_000 ? [] : [certain('is too long', 'x'.repeat(maxLength + 1))]),
    ...(maxItems === undefined || maxItems > 10_000
      ? []
      : [certain('has too many', new Array(maxItems + 1).fill('x'))]),
    ...(values ? [certain('is none of them', 'no such value')] : []),
    ...(type === 'string' && !values ? odd.map((value) => ({ defect: 'is odd', value, isCertain: false })) : []),
    ...(type === 'number' || type === 'integer' ? [{ defect: 'is huge', value: 2 ** 53, isCertain: false }] : []),
  ];
}

function resolved(schema: JsonSchema, components: Components): JsonSchema {
  const { $ref } = schema;
  return $ref === undefined ? schema : resolved(components[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}, components);
}

/** JSON types that a schema takes; none where it takes anything. */
function typesOf(written: JsonSchema, components: Components, depth = 0): ReadonlySet<string> {
  const schema = resolved(written, components);
  const { type, anyOf, oneOf, allOf, const: constant, enum: values } = schema;
  if (type !== undefined) return new Set([type].flat());
  if (constant !== undefined || values) return new Set((values ?? [constant]).map(jsonTypeOf));
  const [alternatives = allOf?.slice(0, 1)] = [anyOf ?? oneOf];
  if (alternatives === undefined || depth > 5) return new Set();
  const all = alternatives.map((each) => typesOf(each, components, depth + 1));
  return all.some((types) => types.size === 0) ? new Set() : new Set(all.flatMap((types) => [...types]));
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
