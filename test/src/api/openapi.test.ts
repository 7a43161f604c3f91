import { describe, expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { z } from 'zod';
import { curlExample, exampleOf } from '../../../src/api/example.js';
import { describeOperations } from '../../../src/api/openapi.js';
import { defineOperation, type Operation } from '../../../src/api/operation.js';
import { pageOf, pageQuery } from '../../../src/api/page.js';
import { renderReference } from '../../../src/api/reference-page.js';

type Filter = { readonly all: readonly Filter[] } | { readonly field: string };
const filter: z.ZodType<Filter> = z
  .lazy(() => z.union([z.strictObject({ all: z.array(filter) }), z.strictObject({ field: z.string() })]))
  .meta({ id: 'Filter' });
interface Tree {
  readonly branches: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ branches: z.array(tree) }));
const inner = z.strictObject({ size: z.int().min(0).default(3).describe('in `cm`') }).meta({ id: 'Inner' });
const same = z.strictObject({ text: z.string().optional() }).meta({ id: 'Same' });
const outer = z
  .strictObject({ name: z.string().max(64), inner, same, filter: filter.optional() })
  .meta({ id: 'Outer', description: 'A <thing> & more' });
const named = z.strictObject({ name: z.string() });
const handle = async () => ({});

const about = { tag: 'Devices', permission: 'device:read', status: 200, handle } as const;
const operations: readonly Operation[] = [
  defineOperation({
    ...about,
    id: 'listOuters',
    method: 'get',
    path: '/outers',
    summary: 'List them',
    answer: pageOf(outer),
    query: z.strictObject({
      ...pageQuery,
      state: z.enum(['on', 'off']).optional(),
      kind: z.string().describe('of what kind'),
      tree: tree.optional(),
    }),
    refusals: { 404: 'no such kind' },
  }),
  defineOperation({
    ...about,
    id: 'createOuter',
    method: 'post',
    path: '/outers',
    summary: 'Make one',
    status: 201,
    body: outer,
    answer: outer,
    permission: 'device:write',
  }),
  defineOperation({
    ...about,
    id: 'getOuter',
    method: 'get',
    path: '/outers/{name}',
    summary: 'Show one',
    params: named,
    answer: outer,
    isTagged: true,
  }),
  defineOperation({
    ...about,
    id: 'replaceOuter',
    method: 'put',
    path: '/outers/{name}',
    summary: 'Replace one',
    params: named,
    body: outer,
    answer: outer,
    isTagged: true,
  }),
  defineOperation({
    ...about,
    id: 'loadRows',
    method: 'put',
    path: '/outers/{name}/rows',
    summary: 'Load rows',
    params: named,
    status: 204,
    streams: { types: ['text/csv', 'application/zip'], bodyLimit: 10 },
    description: 'Rows:\n\n- one `line`\n- another',
  }),
  defineOperation({
    ...about,
    id: 'getArchive',
    method: 'get',
    path: '/outers/{name}/archive',
    summary: 'Fetch the archive',
    params: named,
    contentTypes: ['application/zip'],
    permission: undefined,
  }),
  defineOperation({
    ...about,
    id: 'deleteOuter',
    method: 'delete',
    path: '/outers/{name}',
    summary: 'Delete one',
    params: named,
    status: 204,
  }),
];
const document = describeOperations(operations, '1.2.3');
const { schemas } = document.components;

describe('The OpenAPI document of some operations', () => {
  it('is one that a public linter takes', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const source = JSON.stringify(document);
    const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, location[0]?.pointer, message])).toEqual([]);
  });

  it('has two forms of what is taken otherwise than it is answered, and of what refers to it', () => {
    expect(Object.keys(schemas)).toEqual([
      'Filter',
      'Inner',
      'InnerInput',
      'Outer',
      'OuterInput',
      'Same',
      'listOuters-input-0',
      'Problem',
    ]);
    expect(schemas.Inner?.required).toEqual(['size']);
    expect(schemas.InnerInput?.required).toBeUndefined();
    expect(schemas.Outer?.properties?.inner).toEqual({ $ref: '#/components/schemas/Inner' });
    expect(schemas.OuterInput?.properties?.inner).toEqual({ $ref: '#/components/schemas/InnerInput' });
  });

  it('has parameters with their bounds', () => {
    expect(document.paths['/outers']?.get?.parameters).toEqual([
      {
        name: 'limit',
        in: 'query',
        required: false,
        description: 'how many at most',
        schema: { type: 'integer', default: 100, minimum: 1, maximum: 1000 },
      },
      {
        name: 'cursor',
        in: 'query',
        required: false,
        description: expect.any(String),
        schema: { type: 'string', maxLength: 2000 },
      },
      { name: 'state', in: 'query', required: false, schema: { type: 'string', enum: ['on', 'off'] } },
      { name: 'kind', in: 'query', required: true, description: 'of what kind', schema: { type: 'string' } },
      { name: 'tree', in: 'query', required: false, schema: { $ref: '#/components/schemas/listOuters-input-0' } },
    ]);
    expect(document.paths['/outers/{name}']?.put?.parameters).toMatchObject([
      { name: 'name', in: 'path', required: true },
      { name: 'If-Match', in: 'header', required: false },
    ]);
  });

  it('has what each operation takes, answers, needs and refuses', () => {
    const create = document.paths['/outers']?.post;
    expect(create).toMatchObject({
      operationId: 'createOuter',
      'x-permission': 'device:write',
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/OuterInput' } } },
      },
    });
    expect(create?.responses[201]).toMatchObject({
      headers: { Location: {} },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Outer' } } },
    });
    expect(Object.keys(create?.responses ?? {})).toEqual([
      '201',
      '400',
      '401',
      '403',
      '409',
      '413',
      '415',
      '422',
      '429',
      '500',
      '503',
    ]);
    expect(document.paths['/outers']?.get?.responses[404]?.description).toBe('no such kind');
    expect(document.paths['/outers/{name}']?.get?.responses[304]).toBeDefined();
    expect(document.paths['/outers/{name}/archive']?.get).not.toHaveProperty('x-permission');
    expect(Object.keys(document.paths['/outers/{name}/rows']?.put?.requestBody?.content ?? {})).toEqual([
      'text/csv',
      'application/zip',
    ]);
  });

  it('does not come to be where two schemas have one name', () => {
    const other = z.strictObject({ other: z.string() }).meta({ id: 'Inner' });
    const clash = defineOperation({
      ...about,
      id: 'clash',
      method: 'get',
      path: '/clash',
      summary: 'x',
      answer: other,
    });
    expect(() => describeOperations([...operations, clash], '1')).toThrow('two different schemas have the id "Inner"');
  });
});

describe('Examples', () => {
  it('have what is required, as the schema has it', () => {
    const example = exampleOf({ $ref: '#/components/schemas/OuterInput' }, schemas);
    expect(example).toEqual({ name: 'text', inner: {}, same: {} });
    expect(outer.safeParse(example).success).toBe(true);
  });

  it('are lines for a shell', () => {
    const put = document.paths['/outers/{name}']?.put;
    if (put === undefined) throw new Error('there is no such operation');
    expect(curlExample('put', '/outers/{name}', put, document).split(' \\\n  ')).toEqual([
      'curl -sS --cacert "$GATEHOUSE_CA_FILE" -H "Authorization: Bearer $GATEHOUSE_ADMIN_KEY"',
      '-X PUT',
      "-H 'Content-Type: application/json'",
      `--data '{"name":"text","inner":{},"same":{}}'`,
      '"$GATEHOUSE_ADMIN_URL/api/v1/outers/<name>"',
    ]);
  });
});

describe('The page of some operations', () => {
  const page = renderReference(document);

  it('escapes what it shows', () => {
    expect(page).toContain('<p>A &lt;thing&gt; &amp; more</p>');
    expect(page).toContain('<ul><li>one <code>line</code>\n</li><li>another</li></ul>');
  });

  it('tells types, bounds, permission and roles', () => {
    expect(page).toContain(
      '<code>limit</code> <span class="type">whole number, 1 to 1000, default <code>100</code></span>',
    );
    expect(page).toContain('list of <a href="#schema-Outer">Outer</a>');
    expect(page).toContain('Needs <code>device:write</code>: solution-administrator, device-administrator</p>');
    expect(page).toContain('For everybody who has authenticated');
  });
});
