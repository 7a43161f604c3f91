import { describe, expect, it } from '@jest/globals';
import { createEstHandler } from '../../../protocols/est/index.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { GatewayError } from '../../../src/errors.js';
import { unusedServices } from '../../support/unused-services.js';
import { createFakeGateway, issued } from './fake-gateway.js';

const handler = createEstHandler(unusedServices);
const exchange = { requestId: 'request-1', params: {}, headers: {} };

describe('EST operations (RFC 7030 3.2.2)', () => {
  it('are found with and without label, on TLS only', () => {
    const operations = ['cacerts', 'csrattrs', 'simpleenroll', 'simplereenroll', 'serverkeygen', 'fullcmc'];
    const methods = ['GET', 'GET', 'POST', 'POST', 'POST', 'POST'];
    expect(handler.routes.map(({ method, path }) => `${method} ${path}`)).toEqual(
      operations.flatMap((operation, i) => [
        `${methods[i]} /.well-known/est/${operation}`,
        `${methods[i]} /.well-known/est/:label/${operation}`,
      ]),
    );
    expect(handler.routes.some(({ plainHttp }) => plainHttp)).toBe(false);
    expect(handler.routes.every(({ bodyLimit }) => bodyLimit <= 65_536)).toBe(true);
  });
});

describe('EST /cacerts (RFC 7030 4.1.3)', () => {
  it('answers the certificates of the CA in one line of base64, without authentication', async () => {
    const reply = await createFakeGateway().get('cacerts');
    expect(reply.status).toBe(200);
    // Exactly this: libest compares the whole header.
    expect(reply.headers['Content-Type']).toBe('application/pkcs7-mime');
    expect(reply.headers['Content-Transfer-Encoding']).toBe('base64');
    expect(reply.body).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(decodeCertsOnly(Buffer.from(String(reply.body), 'base64'))).toEqual(issued.chain);
  });

  it('answers 404 for an unknown label', async () => {
    const reply = await createFakeGateway().get('cacerts', { params: { label: 'unknown' } });
    expect(reply).toMatchObject({ status: 404, body: 'no policy has this label\n' });
  });
});

describe('EST /csrattrs (RFC 8951 4)', () => {
  it('answers application/csrattrs in base64', async () => {
    const reply = await createFakeGateway().get('csrattrs', { params: { label: 'quickstart' } });
    expect(reply).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/csrattrs' } });
    expect(Buffer.from(String(reply.body), 'base64')[0]).toBe(0x30);
  });

  it('answers 204 where there is nothing to say', async () => {
    const reply = await createFakeGateway({ policy: { keys: { ed25519: false, ed448: false } } }).get('csrattrs');
    expect(reply).toEqual({ status: 204, headers: {}, body: '' });
  });

  it('answers 404 for an unknown label', async () => {
    expect((await createFakeGateway().get('csrattrs', { params: { label: 'unknown' } })).status).toBe(404);
  });
});

describe('EST failures outside of the operations', () => {
  it.each([
    [413, 'larger'],
    [408, 'in time'],
    [418, 'cannot'],
  ])('an HTTP error %d keeps its status and gets a text of ours', (status, text) => {
    const error = Object.assign(new Error('<script>'), { status, headers: { allow: 'POST', 'x-other': 'a' } });
    const reply = handler.failure(error, exchange);
    expect(reply.status).toBe(status);
    expect(reply.headers).toMatchObject({ 'Content-Type': 'text/plain; charset=utf-8' });
    expect(reply.headers).not.toHaveProperty('x-other');
    expect(reply.body).toContain(text);
    expect(reply.body).not.toContain('script');
  });

  it('a refusal keeps its status and sentence', () => {
    const error = new GatewayError('unavailable', 'Too busy.', { retryAfterSeconds: 5 });
    expect(handler.failure(error, exchange)).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '5' },
      body: 'Too busy.\n',
    });
  });

  it.each([
    new Error('secret'),
    'secret',
    undefined,
    null,
    { status: 200 },
    { status: 502 },
    new GatewayError('internal', 'secret'),
  ])('all else is 500 with the request id only', (error) => {
    const reply = handler.failure(error, exchange);
    expect(reply.status).toBe(500);
    expect(reply.body).toContain('request-1');
    expect(reply.body).not.toContain('secret');
  });

  it('lets what the operator must know of pass on to the edge', async () => {
    const route = handler.routes[0];
    await expect(
      route?.handle({
        ...exchange,
        method: 'GET',
        params: {},
        path: '/',
        query: '',
        body: new Uint8Array(),
        remoteAddress: '',
      }),
    ).rejects.toThrow('not to be called');
  });
});
