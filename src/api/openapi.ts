/** The OpenAPI 3.1 document of the management API, made of the operations themselves. */
import { STATUS_CODES } from 'node:http';
import type { Permission } from '../model/access.js';
import { createSchemaCollection, type JsonSchema } from './json-schemas.js';
import { type Operation, type Tag, tags } from './operation.js';
import { bodyTypesOf } from './read-body.js';
import { basePath } from './reply.js';

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
  readonly content?: Content;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly Tag[];
  /** Absent where everybody who has authenticated may do it. */
  readonly 'x-permission'?: Permission;
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: Tag; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Partial<Record<Operation['method'], OpenApiOperation>>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

/** @throws Error when two operations have different schemas under one name */
export function describeOperations(operations: readonly Operation[], version: string): OpenApiDocument {
  const schemas = createSchemaCollection();
  const described = operations.map((operation) => ({
    operation,
    params: operation.params && schemas.add(operation.params, 'input', operation.id),
    query: operation.query && schemas.add(operation.query, 'input', operation.id),
    body: operation.body && schemas.add(operation.body, 'input', operation.id),
    answer: operation.answer && schemas.add(operation.answer, 'output', operation.id),
  }));
  const { components, resolve } = schemas.finish();
  const paths: Record<string, Partial<Record<Operation['method'], OpenApiOperation>>> = {};
  for (const { operation, ...added } of described) {
    const parts = Object.fromEntries(
      Object.entries(added).flatMap(([name, schema]) => (schema ? [[name, resolve(schema)]] : [])),
    );
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation, parts) };
  }
  const used = new Set<string>(operations.map(({ tag }) => tag));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse management API',
      version,
      summary: 'Divisions, devices, policies, certificates and jobs of a certificate enrollment gateway',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: basePath, description: 'the admin listener' }],
    security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
    tags: tagNames.filter((name) => used.has(name)).map((name) => ({ name, description: tags[name] })),
    paths,
    components: { schemas: { ...components, Problem: problemSchema }, securitySchemes },
  };
}

const tagNames = Object.keys(tags) as readonly Tag[];

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'an API key' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'an API key' },
  basic: { type: 'http', scheme: 'basic', description: 'a user with password' },
  clientCertificate: {
    type: 'mutualTLS',
    description: "a user's client certificate, where the setting adminClientCertificates is on",
  },
} as const;

type Parts = Readonly<Partial<Record<'params' | 'query' | 'body' | 'answer', JsonSchema>>>;

function describeOperation(operation: Operation, { params, query, body, answer }: Parts): OpenApiOperation {
  const { id, summary, description, tag, permission } = operation;
  const parameters = [
    ...parametersOf(params, 'path'),
    ...parametersOf(query, 'query'),
    ...(operation.isTagged ? [operation.method === 'get' ? ifNoneMatch : ifMatch] : []),
  ];
  const types = bodyTypesOf(operation);
  const bodySchema = operation.streams ? octets : body;
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(permission === undefined ? {} : { 'x-permission': permission }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(bodySchema && {
      requestBody: {
        required: operation.streams !== undefined || operation.body?.safeParse(undefined).success !== true,
        content: Object.fromEntries(types.map((type) => [type, { schema: bodySchema }])),
      },
    }),
    responses: responsesOf(operation, answer),
  };
}

const octets: JsonSchema = { type: 'string', contentMediaType: 'application/octet-stream' };

function parametersOf(schema: JsonSchema | undefined, place: 'path' | 'query'): OpenApiParameter[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    const required = place === 'path' || (schema?.required?.includes(name) ?? false);
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
  });
}

const ifMatch: OpenApiParameter = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'the `ETag` of what was read: 412 if it was changed meanwhile',
  schema: { type: 'string' },
};
const ifNoneMatch: OpenApiParameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'an `ETag`: 304 if nothing has changed since',
  schema: { type: 'string' },
};

function responsesOf(operation: Operation, answer: JsonSchema | undefined): OpenApiOperation['responses'] {
  const { status, isTagged, method } = operation;
  const types = [...(answer ? ['application/json'] : []), ...(operation.contentTypes ?? [])];
  const content = Object.fromEntries(
    types.map((type) => [type, { schema: type === 'application/json' && answer ? answer : { type: 'string' } }]),
  );
  const headers = {
    ...(status === 201 && { Location: { description: 'path of what was made', schema: { type: 'string' } } }),
    ...(isTagged && answer && { ETag: { description: 'for `If-Match`', schema: { type: 'string' } } }),
  };
  const success: OpenApiResponse = {
    description: successes[status],
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(types.length === 0 ? {} : { content }),
  };
  const unchanged = isTagged && method === 'get' ? { 304: { description: 'nothing has changed' } } : {};
  const refusals = Object.entries(refusalsOf(operation)).map(([code, description]) => [
    code,
    // Such as 202 beside 201: what is answered is the same.
    Number(code) < 300
      ? { ...success, description }
      : { description, content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } },
  ]);
  return { [status]: success, ...unchanged, ...Object.fromEntries(refusals) };
}

const successes = { 200: 'as asked', 201: 'made', 202: 'accepted; it goes on', 204: 'done' } as const;

/** Those that any operation of its kind may have, and its own. */
function refusalsOf(operation: Operation): Readonly<Record<string, string>> {
  const changes = operation.method !== 'get';
  const takesBody = operation.body !== undefined || operation.streams !== undefined;
  return {
    400: 'the request is not as it has to be; `errors` names the fields',
    401: 'nobody is authenticated',
    403: operation.permission === undefined ? 'not allowed' : `the permission ${operation.permission} is missing`,
    ...(operation.params === undefined ? {} : { 404: 'there is none of this name, or not for you' }),
    ...(changes && { 409: 'not in the state that this is about' }),
    ...(operation.isTagged && changes && { 412: 'it was changed since it was read' }),
    ...(takesBody && { 413: 'the body is too large', 415: 'the body is of another media type' }),
    ...(takesBody && { 422: 'what it names does not exist, or the rules do not have it so' }),
    429: 'too many failed authentications; `Retry-After` says when to try again',
    500: `${STATUS_CODES[500]}: the log has the request's id`,
    503: 'not now; `Retry-After` says when',
    ...operation.refusals,
  };
}

const problemSchema: JsonSchema = {
  type: 'object',
  description: 'Why a request was refused (RFC 9457)',
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string', description: 'the phrase of the status' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'one sentence: what is wrong and what to do next' },
    instance: { type: 'string', description: '`urn:uuid:` and the id of the request, as in the log and the audit log' },
    code: { type: 'string', description: 'for programs, such as `malformed-request`' },
    rule: { type: 'string', description: 'the rule of the policy that refused' },
    errors: {
      type: 'array',
      description: 'the fields that are wrong',
      items: {
        type: 'object',
        properties: {
          pointer: { type: 'string', description: 'into the body, such as `#/methods/0`' },
          parameter: { type: 'string', description: 'of the path or query' },
          detail: { type: 'string' },
        },
        required: ['detail'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
};
