import { type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import type { RefusedMessage } from '../../../src/enrollment/request.js';
import { HttpError } from '../../../src/errors.js';
import { createLog } from '../../../src/log.js';
import type { ProtocolHandler, Reply, Route } from '../../../src/protocol.js';
import { mountHandler } from '../../../src/server/route-adapter.js';

const refusals: RefusedMessage[] = [];
const reply: Reply = {
  status: 200,
  headers: {},
  links: ['<https://a.example/>;rel="index"', '<b>;rel="up"'],
  body: 'hello',
};
const route = { path: '/here/:label/there/:id', plainHttp: true, bodyLimit: 10, handle: async () => reply };

/** Answers in a form of its own, and says what it was told. */
const handler: ProtocolHandler = {
  name: 'own',
  routes: [
    { ...route, method: 'GET' },
    { ...route, method: 'POST' },
    { ...route, method: 'OPTIONS', handle: async () => ({ status: 204, headers: { 'x-preflight': '1' }, body: '' }) },
    { ...route, path: '/plain/:label', method: 'POST' },
  ] satisfies Route[],
  failure: (error, { params }) => ({
    status: 400,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ label: params.label, status: error instanceof HttpError ? error.status : 0 }),
  }),
};

let server: Server;

beforeAll(async () => {
  const app = express();
  mountHandler(app, handler, {
    log: createLog('silent'),
    listener: 'device-http',
    isTrustedProxy: () => false,
    recordRefusal: async (refused) => {
      refusals.push(refused);
    },
  });
  await new Promise<void>((resolve) => {
    server = app.listen(0, '127.0.0.1', () => resolve());
  });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

function send(method: string, path: string, body = ''): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const outgoing = request({ method, path, port, host: '127.0.0.1', agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status, headers, rawHeaders } = response;
        resolve({ status, headers, rawHeaders, text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('routes of a handler', () => {
  it.each(['GET', 'POST'])('answer %s with one Link header for each link', async (method) => {
    const { status, rawHeaders, text } = await send(method, '/here/a/there/b');
    expect([status, text]).toEqual([200, 'hello']);
    const links = rawHeaders.filter((_, i) => rawHeaders[i - 1]?.toLowerCase() === 'link');
    expect(links).toEqual(reply.links);
  });

  it('answer OPTIONS where they say so', async () => {
    expect(await send('OPTIONS', '/here/a/there/b')).toMatchObject({ status: 204, headers: { 'x-preflight': '1' } });
  });

  it('have other methods answered with 405 in the form of the handler', async () => {
    const answer = await send('PUT', '/here/a/there/b');
    expect(answer).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST, OPTIONS', 'content-type': 'application/problem+json' },
      text: '{"label":"a","status":405}',
    });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(await send('OPTIONS', '/plain/b')).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      text: '{"label":"b","status":405}',
    });
  });

  it('have bodies that are too large answered with 413 in that form, recorded by the name of the route', async () => {
    expect(await send('POST', '/here/a/there/b', 'x'.repeat(11))).toMatchObject({
      status: 413,
      headers: { connection: 'close' },
      text: '{"label":"a","status":413}',
    });
    expect(refusals).toMatchObject([
      { protocol: 'own', operation: 'there', label: 'a', code: 'malformed-request', remoteAddress: '127.0.0.1' },
    ]);
  });
});
