import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineOperation, type Operation } from '../../../src/api/operation.js';
import { GatewayError, HttpError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import { type ApiServer, principal, startApiServer } from '../../support/api-server.js';
import { fleet } from '../../support/fleet.js';
import { eventOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const thing = z.strictObject({ name: z.string().max(20), size: z.int().min(0), note: z.string().optional() });
type Thing = z.output<typeof thing>;
let things: Map<string, Thing>;

/** How often what can be had once was handed over. */
let deliveries = 0;

const named = z.strictObject({ name: z.string().max(20) });
const get = (name: string): Thing => {
  const found = things.get(name);
  if (found === undefined) throw new GatewayError('not-found', 'there is no such thing');
  return found;
};

const about = { tag: 'Devices', summary: 'about things', permission: 'device:read', status: 200 } as const;
const operations: readonly Operation[] = [
  defineOperation({
    ...about,
    id: 'getThing',
    method: 'get',
    path: '/things/{name}',
    params: named,
    answer: thing,
    isTagged: true,
    handle: async ({ params }) => ({ value: get(params.name) }),
  }),
  defineOperation({
    ...about,
    id: 'searchThings',
    method: 'get',
    path: '/things/search',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(10).default(5), text: z.string().optional() }),
    handle: async ({ query }) => ({ content: { type: 'text/plain', body: JSON.stringify(query) } }),
  }),
  defineOperation({
    ...about,
    id: 'createThing',
    method: 'post',
    path: '/things',
    permission: 'device:write',
    status: 201,
    body: thing,
    answer: thing,
    handle: async ({ body }) => {
      things.set(body.name, body);
      return { value: body, location: `/things/${body.name}` };
    },
  }),
  defineOperation({
    ...about,
    id: 'replaceThing',
    method: 'put',
    path: '/things/{name}',
    permission: 'device:write',
    params: named,
    body: thing,
    answer: thing,
    isTagged: true,
    bodyLimit: 2000,
    handle: async ({ params, body, requireMatch }) => {
      requireMatch(get(params.name));
      things.set(params.name, body);
      return { value: body };
    },
  }),
  defineOperation({
    ...about,
    id: 'changeThing',
    method: 'patch',
    path: '/things/{name}',
    permission: 'device:write',
    params: named,
    body: z.strictObject({ note: z.string().nullish() }),
    answer: thing,
    handle: async ({ params, body }) => ({ value: { ...get(params.name), ...(body.note ? { note: body.note } : {}) } }),
  }),
  defineOperation({
    ...about,
    id: 'deleteThing',
    method: 'delete',
    path: '/things/{name}',
    permission: 'device:write',
    status: 204,
    params: named,
    handle: async ({ params }) => {
      get(params.name);
      things.delete(params.name);
      return {};
    },
  }),
  defineOperation({
    ...about,
    id: 'measure',
    method: 'put',
    path: '/measure',
    status: 200,
    streams: { types: ['text/csv'], bodyLimit: 100_000 },
    handle: async ({ stream, contentType }) => {
      let length = 0;
      for await (const chunk of stream) length += chunk.length;
      return { content: { type: 'text/plain', body: `${contentType} ${length}` } };
    },
  }),
  defineOperation({
    ...about,
    id: 'giveUp',
    method: 'put',
    path: '/give-up',
    status: 200,
    streams: { types: ['text/csv'], bodyLimit: 100_000_000 },
    handle: async ({ stream }) => {
      for await (const _chunk of stream)
        throw new GatewayError('rejected-name', 'the first line is wrong (rule header)');
      return {};
    },
  }),
  defineOperation({
    ...about,
    id: 'download',
    method: 'get',
    path: '/downloads/{name}',
    params: named,
    handle: async ({ params }) => ({
      content: {
        type: 'application/zip',
        body: Readable.from(params.name === 'broken' ? breaking() : [Buffer.alloc(100_000), Buffer.alloc(5)]),
        fileName: params.name === 'odd' ? 'a"b\r\n/é.zip' : 'archive.zip',
        ...(params.name === 'once' ? { delivered: async () => void deliveries++ } : {}),
      },
    }),
  }),
  defineOperation({
    ...about,
    id: 'fail',
    method: 'post',
    path: '/fail/{how}',
    params: z.strictObject({ how: z.string() }),
    handle: async ({ params, actor, scope }) => {
      if (params.how === 'own') throw new HttpError(422, 'malformed-request', 'there is no such division');
      if (params.how === 'secret') throw new GatewayError('bad-secret', 'the password that was given is wrong');
      if (params.how === 'later') throw new GatewayError('unavailable', 'not now', { retryAfterSeconds: 7 });
      if (params.how === 'forbidden') throw new GatewayError('forbidden', 'not in this division');
      if (params.how === 'actor')
        return { content: { type: 'application/json', body: JSON.stringify({ actor, scope: [...scope] }) } };
      throw new Error('the secret reason');
    },
  }),
  defineOperation({
    ...about,
    id: 'whoever',
    method: 'get',
    path: '/whoever',
    permission: undefined,
    status: 204,
    handle: async () => ({}),
  }),
];

async function* breaking(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(10);
  throw new Error('the disk broke');
}

const lines: string[] = [];
let test: TestGateway;
let api: ApiServer;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  const log = createLog('info', { write: (line) => lines.push(line) });
  api = await startApiServer({
    operations,
    principals: {
      all: principal('all', { role: 'solution-administrator' }),
      plant: principal('plant', { role: 'device-administrator', division: 'plant' }),
      reader: principal('reader', { role: 'auditor' }),
      nothing: principal('nothing'),
    },
    services: { ...test.gateway.core, log },
  });
});
afterAll(async () => {
  await api.close();
  await test.close();
});
beforeAll(() => {
  things = new Map([['a', { name: 'a', size: 1 }]]);
});

const send: ApiServer['send'] = (path, message) => api.send(`/api/v1${path}`, { key: 'all', ...message });
const lineOf = (requestId: string) => lines.filter((line) => line.includes(requestId)).map((line) => JSON.parse(line));

describe('Authentication to the management API', () => {
  it.each([
    ['nothing', {}],
    ['an unknown key', { authorization: 'Bearer nobody' }],
    ['another scheme', { authorization: 'Digest x' }],
    ['a key that is no token', { authorization: 'Bearer a b' }],
    ['an endless key', { 'x-api-key': 'k'.repeat(5000) }],
    ['an empty key', { 'x-api-key': '' }],
  ])('answers %s with 401, the challenges and an audit event', async (_what, headers) => {
    const answer = await api.send('/api/v1/things/a', { headers });
    expect(answer.body).toMatchObject({ status: 401, code: 'bad-secret', title: 'Unauthorized' });
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="gatehouse", Basic realm="gatehouse", charset="UTF-8"',
    );
    expect(await eventOf(test, answer)).toMatchObject({
      action: 'access.refused',
      outcome: 'refused',
      code: 'bad-secret',
      operation: 'getThing',
      remoteAddress: '127.0.0.1',
    });
  });

  it('takes a key as Bearer or X-API-Key, not both', async () => {
    expect((await api.send('/api/v1/things/a', { key: 'all' })).status).toBe(200);
    expect((await api.send('/api/v1/things/a', { headers: { 'x-api-key': 'all' } })).status).toBe(200);
    expect((await api.send('/api/v1/things/a', { key: 'all', headers: { 'x-api-key': 'all' } })).body).toMatchObject({
      status: 400,
      code: 'malformed-request',
    });
  });

  it('hands on user and password, and the chain of a client certificate', async () => {
    const seen: unknown[] = [];
    const other = await startApiServer({
      operations,
      principals: {},
      services: test.gateway.core,
      clientChain: [new Uint8Array([1])],
      authenticate: async (presented) => {
        seen.push(presented);
        return principal('x', { role: 'auditor' });
      },
    });
    const basic = `Basic ${Buffer.from('alice:pässword:1').toString('base64')}`;
    expect((await other.send('/api/v1/things/a', { headers: { authorization: basic } })).status).toBe(200);
    expect((await other.send('/api/v1/things/a')).status).toBe(200);
    await other.close();
    const always = { clientChain: [new Uint8Array([1])], remoteAddress: '127.0.0.1' };
    expect(seen).toEqual([{ basic: { username: 'alice', password: 'pässword:1' }, ...always }, always]);
  });

  it('does not take a body to its end from who was stopped, or lost a right, while it was on its way', async () => {
    const before = principal('x', { role: 'device-administrator' });
    const verdicts = [
      before,
      principal('x', { role: 'device-administrator', division: 'plant' }),
      before,
      new GatewayError('bad-secret', 'the API key is unknown, expired or revoked; ask for a new one'),
      before,
      before,
    ];
    const other = await startApiServer({
      operations,
      principals: {},
      services: test.gateway.core,
      authenticate: async () => {
        const verdict = verdicts.shift();
        if (verdict === undefined || verdict instanceof Error) throw verdict;
        return verdict;
      },
    });
    const upload = { method: 'PUT', body: 'a,b', headers: { 'content-type': 'text/csv' }, key: 'any' };
    expect((await other.send('/api/v1/measure', upload)).body).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await other.send('/api/v1/measure', upload)).body).toMatchObject({ status: 403, code: 'bad-secret' });
    expect((await other.send('/api/v1/measure', upload)).status).toBe(200);
    await other.close();
  });

  it('refuses who has not got the permission, naming it, with an audit event of who it was', async () => {
    const answer = await send('/things', { method: 'POST', key: 'reader', body: { name: 'x', size: 1 } });
    expect(answer.body).toMatchObject({
      status: 403,
      code: 'forbidden',
      detail: expect.stringContaining('device:write'),
    });
    expect(await eventOf(test, answer)).toMatchObject({
      action: 'access.refused',
      actor: 'API key reader',
      method: 'POST',
    });
    expect((await send('/things/a', { key: 'nothing' })).status).toBe(403);
    expect((await send('/whoever', { key: 'nothing' })).status).toBe(204);
  });

  it('records a refusal by the operation itself too', async () => {
    const answer = await send('/fail/forbidden', { method: 'POST', key: 'plant' });
    expect(answer.body).toMatchObject({ status: 403, code: 'forbidden' });
    expect(await eventOf(test, answer)).toMatchObject({ action: 'access.refused', actor: 'API key plant' });
  });

  it.each([
    ['a field that is wrong', 'POST', '/things', { name: 'x', size: 'large' }, 'malformed-request'],
    ['what is not there', 'PATCH', '/things/none', {}, 'not-found'],
    ['what the operation refuses', 'POST', '/fail/own', undefined, 'malformed-request'],
  ])('records a change that is refused to who may make it: %s', async (_what, method, path, body, code) => {
    const answer = await send(path, { method, ...(body && { body }) });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(await eventOf(test, answer)).toMatchObject({
      action: 'change.refused',
      outcome: 'refused',
      actor: 'API key all',
      remoteAddress: '127.0.0.1',
      method,
      path: `/api/v1${path}`,
      code,
      reason: (answer.body as { detail: string }).detail,
    });
  });

  it('records no read that finds nothing', async () => {
    const answer = await send('/things/none');
    expect(answer.status).toBe(404);
    expect(await eventOf(test, answer)).toBeUndefined();
  });

  it('tells the operation who acts, from where, and where the permission holds', async () => {
    const answer = await send('/fail/actor', { method: 'POST', key: 'plant' });
    expect(answer.body).toEqual({
      actor: {
        name: 'API key plant',
        person: 'api-key:id-of-plant',
        apiKey: 'id-of-plant',
        remoteAddress: '127.0.0.1',
        requestId: answer.requestId,
      },
      scope: ['plant'],
    });
  });

  it("does nothing at the request of other web sites' pages", async () => {
    const post = (headers: Record<string, string>) => send('/things/a', { method: 'DELETE', headers });
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ] as Record<string, string>[]) {
      expect((await post(headers)).body).toMatchObject({ status: 403, code: 'forbidden' });
    }
    expect(things.has('a')).toBe(true);
    expect((await send('/things/a', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect((await send('/things/a', { headers: { 'sec-fetch-site': 'none' } })).status).toBe(200);
    const own = { origin: `http://127.0.0.1:${api.port}`, 'sec-fetch-site': 'same-origin' };
    expect((await send('/things/a', { method: 'PATCH', body: {}, headers: own })).status).toBe(200);
  });

  it('records no more refusals than a disk can bear', async () => {
    const answers = await Promise.all(
      Array.from({ length: 650 }, () => send('/things', { method: 'POST', key: 'plenty' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    const events = await test.gateway.core.store.audit.list({ action: 'access.refused', limit: 1000 });
    expect(events.length).toBeLessThanOrEqual(610);
  });
});

describe('Requests to the management API', () => {
  it.each([
    ['an unknown path', 'GET', '/nothing', 404, 'not-found'],
    ['a path that is not percent-encoding', 'GET', '/things/%zz', 400, 'malformed-request'],
    ['another method', 'POST', '/things/a', 405, 'unsupported-operation'],
  ])('get a problem document for %s', async (_what, method, path, status, code) => {
    const answer = await send(path, { method });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ type: 'about:blank', status, code, instance: `urn:uuid:${answer.requestId}` });
  });

  it('learn from a 405 what there is', async () => {
    expect((await send('/things/a', { method: 'POST' })).headers.allow).toBe('GET, HEAD, PUT, PATCH, DELETE');
  });

  it('find a fixed path before one with a parameter', async () => {
    expect((await send('/things/search?limit=3&text=a+b%C3%A9')).text).toBe('{"limit":3,"text":"a bé"}');
  });

  it.each([
    ['twice the same', '?limit=1&limit=2', 'a query parameter is there twice; give each once', undefined],
    ['no UTF-8', '?text=%ff', 'the query is not percent-encoded UTF-8', undefined],
    ['a number that is none', '?limit=abc', 'query parameter limit: must be a number', 'limit'],
    ['out of bounds', '?limit=11', 'query parameter limit: too big: expected number to be <=10', 'limit'],
    ['unknown', '?offset=1', 'query parameter offset: is not known here; allowed are limit, text', 'offset'],
    [
      'a prototype',
      '?__proto__=1',
      'query parameter __proto__: is not known here; allowed are limit, text',
      '__proto__',
    ],
  ])('have a query parameter refused: %s', async (_what, query, detail, parameter) => {
    const { body } = await send(`/things/search${query}`);
    expect(body).toMatchObject({ status: 400, code: 'malformed-request', detail });
    if (parameter !== undefined) expect(body).toMatchObject({ errors: [{ parameter }] });
  });

  it('have each wrong field named by a pointer, and no value repeated', async () => {
    const answer = await send('/things', { method: 'POST', body: { name: 17, size: 'hunter2', 'a/b~': 1 } });
    expect(answer.body).toMatchObject({
      status: 400,
      code: 'malformed-request',
      detail: 'name: must be text (in quotes if it looks like a number), and 2 more',
      errors: [
        { pointer: '#/name', detail: expect.any(String) },
        { pointer: '#/size', detail: expect.any(String) },
        { pointer: '#/a~1b~0', detail: expect.stringContaining('not known') },
      ],
    });
    expect(answer.text).not.toContain('hunter2');
  });

  it.each([
    ['a list', '[]', 'the request body must be a JSON object'],
    ['no JSON', '{', 'the request body is no JSON'],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'the request body is not UTF-8'],
    ['deep JSON', `{"a":${'['.repeat(5000)}`, 'the request body is nested deeper than 32 levels'],
    ['a prototype', '{"name":"a","size":1,"__proto__":{"note":"x"}}', '__proto__: is not known here'],
    [
      'a prototype within',
      '{"name":"a","size":{"x":[{"\\u005f_proto__":1}]}}',
      'size.x[0].__proto__: is not known here',
    ],
    [
      'half a character',
      '{"name":"a\\ud800","size":1}',
      'name: has half of a surrogate pair, which is no character; leave it out',
    ],
    [
      'half a character in a name',
      '{"name":"a","size":{"\\udc00":1}}',
      'size: has half of a surrogate pair, which is no character; leave it out',
    ],
    ['a member twice', '{"name":"a","size":1,"name":"b"}', 'the request body has a member twice in one object'],
    ['none', undefined, 'the request body: is missing; a map of keys and values is expected'],
  ])('have a body refused: %s', async (_what, body, detail) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    expect((await send('/things', { method: 'POST', body, headers })).body).toMatchObject({
      status: 400,
      code: 'malformed-request',
      detail,
    });
  });

  it.each([
    ['POST', '/things', 'text/plain', {}],
    ['POST', '/things', 'application/merge-patch+json', {}],
    ['POST', '/things', 'application/json; charset=latin1', {}],
    ['POST', '/things', 'application/json', { 'content-encoding': 'gzip' }],
    ['PATCH', '/things/a', 'application/json-patch+json', {}],
    ['PUT', '/measure', 'application/json', {}],
  ])('have another media type refused: %s %s %s', async (method, path, type, more) => {
    const answer = await send(path, { method, body: '{}', headers: { 'content-type': type, ...more } });
    expect(answer.body).toMatchObject({ status: 415, code: 'malformed-request' });
  });

  it('may patch in either media type, and say their charset', async () => {
    for (const type of ['application/json; charset=UTF-8', 'application/merge-patch+json']) {
      const headers = { 'content-type': type };
      expect((await send('/things/a', { method: 'PATCH', body: '{"note":"n"}', headers })).body).toMatchObject({
        note: 'n',
      });
    }
  });

  it('have a body refused that is too large, by what they say of it or by what comes', async () => {
    const body = JSON.stringify({ name: 'a', size: 1, note: 'x'.repeat(3000) });
    const headers = { 'content-type': 'application/json' };
    expect((await send('/things/a', { method: 'PUT', body, headers })).body).toMatchObject({ status: 413 });
    const chunked = await raw(
      `PUT /api/v1/things/a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${(body.length).toString(16)}\r\n${body}\r\n`,
    );
    expect(chunked).toMatch(/^HTTP\/1.1 413 /);
    expect(chunked).toMatch(/\r\nConnection: close\r\n/);
  });

  it('may send an empty object where nothing is to be said, and nothing else', async () => {
    things.set('gone', { name: 'gone', size: 1 });
    expect((await send('/things/gone', { method: 'DELETE', body: { x: 1 } })).body).toMatchObject({ status: 400 });
    const answer = await send('/things/gone', { method: 'DELETE', body: {} });
    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([204, '', undefined]);
  });

  it('are asked for their body only when it is known who sends it', async () => {
    const head =
      'PUT /api/v1/measure HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: 90000\r\nexpect: 100-continue\r\n';
    expect(await raw(`${head}\r\n`)).toMatch(/^HTTP\/1.1 401 /);
    const body = 'x'.repeat(90_000);
    const answer = await raw(`${head}authorization: Bearer all\r\nconnection: close\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
    expect(answer.match(/100 Continue/g)).toHaveLength(1);
  });
});

describe('Streams to the management API', () => {
  const csv = { 'content-type': 'text/csv; charset=utf-8' };

  it('come as octets with their media type', async () => {
    const answer = await send('/measure', { method: 'PUT', body: 'x'.repeat(100_000), headers: csv });
    expect([answer.status, answer.text]).toEqual([200, 'text/csv 100000']);
  });

  it('are cut off at their limit', async () => {
    expect((await send('/measure', { method: 'PUT', body: 'x'.repeat(100_001), headers: csv })).body).toMatchObject({
      status: 413,
    });
    const chunk = `186a1\r\n${'x'.repeat(100_001)}\r\n`;
    const answer = await raw(
      `PUT /api/v1/measure HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('application/problem+json');
  });

  it('may be refused in the middle, with an answer', async () => {
    const answer = await send('/give-up', { method: 'PUT', body: 'x'.repeat(60_000), headers: csv });
    expect(answer.body).toMatchObject({ status: 422, code: 'rejected-name', rule: 'header' });
    expect((await send('/things/a')).status).toBe(200);
  });

  it('that end early are a refusal in the log, and nothing more', async () => {
    const before = lines.length;
    const socket = connect({ port: api.port, host: '127.0.0.1' });
    socket.write(
      'PUT /api/v1/measure HTTP/1.1\r\nhost: x\r\nauthorization: Bearer all\r\ncontent-type: text/csv\r\ncontent-length: 100\r\n\r\nxyz',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await until(() => lines.length > before);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 'info', reason: 'the request body ended early' });
  });
});

describe('Answers of the management API', () => {
  it('have a request id, an entity tag and no place in caches', async () => {
    const answer = await send('/things/a');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      etag: expect.stringMatching(/^"[A-Za-z0-9_-]{43}"$/),
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(answer.body).toEqual({ name: 'a', size: 1 });
  });

  it('say where what was made is', async () => {
    const answer = await send('/things', { method: 'POST', body: { name: 'b', size: 2 } });
    expect([answer.status, answer.headers.location]).toEqual([201, '/api/v1/things/b']);
  });

  it('are 304 for who has them already', async () => {
    const { etag = '' } = (await send('/things/a')).headers;
    for (const tag of [etag, `"x", W/${etag}`, '*']) {
      const answer = await send('/things/a', { headers: { 'if-none-match': tag } });
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, '', etag]);
    }
    expect((await send('/things/a', { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
  });

  it('are 412 where If-Match does not hold: weak tags never do', async () => {
    const { etag = '' } = (await send('/things/a')).headers;
    const put = (tag: string) =>
      send('/things/a', { method: 'PUT', body: { name: 'a', size: 1 }, headers: { 'if-match': tag } });
    expect((await put(`W/${etag}`)).body).toMatchObject({ status: 412, code: 'invalid-state' });
    expect((await put('"x"')).status).toBe(412);
    const changed = await put(`"x", ${etag}`);
    expect([changed.status, changed.headers.etag]).toEqual([200, etag]);
    expect((await put('*')).status).toBe(200);
    expect((await send('/things/a', { headers: { 'if-match': '"x"' } })).status).toBe(412);
  });

  it('are refusals where If-Match would be overlooked', async () => {
    const answer = await send('/things/a', { method: 'PATCH', body: {}, headers: { 'if-match': '"x"' } });
    expect(answer.body).toMatchObject({ status: 400, detail: expect.stringContaining('If-Match') });
  });

  it('to HEAD are those to GET without their body', async () => {
    const get = await send('/things/a');
    const head = await send('/things/a', { method: 'HEAD' });
    expect([head.status, head.text, head.headers.etag, head.headers['content-length']]).toEqual([
      200,
      '',
      get.headers.etag,
      get.headers['content-length'],
    ]);
    expect((await send('/downloads/x', { method: 'HEAD' })).status).toBe(200);
    expect((await send('/nothing', { method: 'HEAD' })).status).toBe(404);
  });

  it('may be files, whose names are harmless', async () => {
    const answer = await send('/downloads/x');
    expect([answer.status, answer.text.length]).toEqual([200, 100_005]);
    expect(answer.headers['content-disposition']).toBe('attachment; filename="archive.zip"');
    expect((await send('/downloads/odd')).headers['content-disposition']).toBe(
      'attachment; filename="a_b____.zip"; filename*=UTF-8\'\'a%22b%3F%3F%2F%C3%A9.zip',
    );
  });

  it('that can be had once are delivered when the client has all of them, and not before', async () => {
    const count = lines.length;
    await send('/downloads/once', { method: 'HEAD' });
    await new Promise<void>((resolve) => {
      const request = 'GET /api/v1/downloads/once HTTP/1.1\r\nHost: a\r\nX-API-Key: all\r\n\r\n';
      const socket = connect(api.port, '127.0.0.1', () => socket.write(request));
      // All of it waits in the client's system by then, unread.
      socket.once('readable', () => setTimeout(() => resolve(void socket.destroy()), 100));
    });
    await until(() => lines.length === count + 2);
    expect(deliveries).toBe(0);
    expect((await send('/downloads/once')).text).toHaveLength(100_005);
    await until(() => lines.length === count + 3);
    expect(deliveries).toBe(1);
  });

  it('break off when their source does, and the log says why once', async () => {
    const before = lines.length;
    await expect(send('/downloads/broken')).rejects.toThrow('aborted');
    await until(() => lines.length > before);
    const [line, ...more] = lines.slice(before).map((each) => JSON.parse(each));
    expect(line).toMatchObject({
      level: 'error',
      msg: 'request failed',
      operation: 'download',
      err: { message: 'the disk broke' },
    });
    expect(more).toEqual([]);
  });

  it('are refusals with the status that the operation says', async () => {
    expect((await send('/fail/own', { method: 'POST' })).body).toMatchObject({
      status: 422,
      code: 'malformed-request',
    });
    const later = await send('/fail/later', { method: 'POST' });
    expect([later.status, later.headers['retry-after']]).toEqual([503, '7']);
    const secret = await send('/fail/secret', { method: 'POST' });
    expect([secret.status, secret.headers['www-authenticate']]).toEqual([403, undefined]);
  });

  it('are 500 without a reason when something fails, which the log has once', async () => {
    const answer = await send('/fail/otherwise', { method: 'POST' });
    expect(answer.body).toMatchObject({
      status: 500,
      code: 'internal',
      detail: expect.stringContaining(answer.requestId),
    });
    expect(answer.text).not.toContain('secret reason');
    expect(lineOf(answer.requestId)).toMatchObject([{ level: 'error', err: { message: 'the secret reason' } }]);
  });

  it('are in the log with one line each: who, what, from where, and no query', async () => {
    const answer = await send('/things/search?text=private');
    expect(lineOf(answer.requestId)).toMatchObject([
      {
        msg: 'request',
        operation: 'searchThings',
        method: 'GET',
        path: '/api/v1/things/search',
        status: 200,
        principal: 'all',
        remoteAddress: '127.0.0.1',
      },
    ]);
    expect(lines.join('')).not.toContain('private');
    const refused = await send('/things', { method: 'POST', body: {} });
    expect(lineOf(refused.requestId)).toMatchObject([{ msg: 'request refused', code: 'malformed-request' }]);
  });
});

/** Sends octets, and returns all that comes until the server closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: api.port, host: '127.0.0.1' });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.write(text);
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
}
