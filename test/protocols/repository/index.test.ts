import { describe, expect, it } from '@jest/globals';
import { createRepositoryHandler } from '../../../protocols/repository/index.js';
import type { PublishedCrl, PublishedCrlQuery } from '../../../src/ca-view.js';
import { GatewayError } from '../../../src/errors.js';
import type { Exchange, ProtocolServices, Reply } from '../../../src/protocol.js';
import { unusedServices } from '../../support/unused-services.js';

const crl = Uint8Array.of(0x30, 3, 2, 1, 1);
const delta = Uint8Array.of(0x30, 3, 2, 1, 3);
const certificate = Uint8Array.of(0x30, 3, 2, 1, 2);
let now = new Date('2030-01-01T00:00:00Z');
const services: ProtocolServices = {
  ...unusedServices,
  crl: (query) => published(query, crl),
  deltaCrl: (query) => published(query, delta),
  caCertificate(generation) {
    if (generation === 'broken') throw new GatewayError('unavailable', 'Later.');
    if (generation !== 'issuing.1') throw new GatewayError('not-found', 'There is no such CA.');
    return certificate;
  },
  cps(ca) {
    if (ca !== 'issuing') throw new GatewayError('not-found', 'there is no statement');
    return 'Für Pumpen.\n';
  },
  clock: { now: () => now },
};
const handler = createRepositoryHandler(services);

async function published(
  { generation, partition, isKnown }: PublishedCrlQuery,
  der: Uint8Array,
): Promise<PublishedCrl> {
  if (generation !== 'issuing.1' || partition !== 2) throw new GatewayError('not-found', 'there is no such CRL');
  const etag = `"${der[4]}"`;
  const thisUpdate = new Date('2029-12-31T23:00:00Z');
  const answer = { etag, thisUpdate, nextUpdate: new Date('2030-01-01T01:00:00Z'), maximumAge: 200 };
  return isKnown(etag) ? answer : { ...answer, der };
}

async function get(path: string, params: Record<string, string>, headers: Exchange['headers'] = {}): Promise<Reply> {
  const route = handler.routes.find((r) => r.path === path);
  const exchange: Exchange = {
    ...{ method: 'GET', params, path: '/', query: '', headers, body: new Uint8Array() },
    ...{ remoteAddress: '192.0.2.1', requestId: 'request-1' },
  };
  try {
    if (route === undefined) throw new Error('no route');
    return await route.handle(exchange);
  } catch (error) {
    return handler.failure(error, exchange);
  }
}

const getCrl = (generation: string, partition: string, headers?: Exchange['headers']) =>
  get('/crl/:generation/:partition.crl', { generation, partition }, headers);
const getCertificate = (generation: string, headers?: Exchange['headers']) =>
  get('/aia/:generation.cer', { generation }, headers);

describe('The repository (RFC 5280 4.2.1.13, 4.2.2.1; RFC 2585)', () => {
  it('is served over plain HTTP', () => {
    expect(handler.routes.map(({ method, path, plainHttp }) => [method, path, plainHttp])).toEqual([
      ['GET', '/crl/:generation/:partition-delta.crl', true],
      ['GET', '/crl/:generation/:partition.crl', true],
      ['GET', '/aia/:generation.cer', true],
      ['GET', '/cps/:ca', true],
      ['GET', '/trust', true],
      ['GET', '/trust.pem', true],
      ['GET', '/trust/:ca.pem', true],
      ['GET', '/trust/:ca.der', true],
      ['GET', '/trust/:ca.p7b', true],
    ]);
  });

  it("answers a CA's practice statement as plain text that may be kept for five minutes, and 304 to who has it", async () => {
    const reply = await get('/cps/:ca', { ca: 'issuing' });
    expect(reply).toMatchObject({
      status: 200,
      body: 'Für Pumpen.\n',
      headers: {
        'Content-Type': 'text/plain; charset=utf-8',
        'Cache-Control': 'public, max-age=300',
        'X-Content-Type-Options': 'nosniff',
      },
    });
    const again = await get('/cps/:ca', { ca: 'issuing' }, { 'if-none-match': reply.headers.ETag });
    expect(again).toMatchObject({ status: 304, body: '' });
    expect(await get('/cps/:ca', { ca: 'other' })).toMatchObject({ status: 404 });
  });

  it('answers a CRL in DER as application/pkix-crl', async () => {
    const reply = await getCrl('issuing.1', '2');
    expect(reply).toMatchObject({ status: 200, body: crl });
    expect(reply.headers['Content-Type']).toBe('application/pkix-crl');
    expect(reply.headers).toMatchObject({
      'Cache-Control': 'public, max-age=200',
      'Last-Modified': 'Mon, 31 Dec 2029 23:00:00 GMT',
      Expires: 'Tue, 01 Jan 2030 00:03:20 GMT',
      ETag: '"1"',
    });
  });

  it('answers a delta under its own address (RFC 5280 5.2.6)', async () => {
    const params = { generation: 'issuing.1', partition: '2' };
    expect(await get('/crl/:generation/:partition-delta.crl', params)).toMatchObject({ status: 200, body: delta });
    const other = { generation: 'issuing.1', partition: '3' };
    expect((await get('/crl/:generation/:partition-delta.crl', other)).status).toBe(404);
  });

  it('lets no cache keep a CRL beyond its nextUpdate', async () => {
    now = new Date('2030-01-01T00:59:00Z');
    expect((await getCrl('issuing.1', '2')).headers['Cache-Control']).toBe('public, max-age=60');
    now = new Date('2030-01-01T02:00:00Z');
    expect((await getCrl('issuing.1', '2')).headers['Cache-Control']).toBe('public, max-age=0');
  });

  it('answers a CA certificate in DER as application/pkix-cert', async () => {
    const reply = await getCertificate('issuing.1');
    expect(reply).toMatchObject({ status: 200, body: certificate });
    expect(reply.headers['Content-Type']).toBe('application/pkix-cert');
  });

  it('answers 304 to who has it already (RFC 9110 13.1.2)', async () => {
    const tag = (await getCrl('issuing.1', '2')).headers.ETag;
    const reply = await getCrl('issuing.1', '2', { 'if-none-match': tag });
    expect(reply).toMatchObject({ status: 304, body: '', headers: { ETag: tag } });
    expect((await getCertificate('issuing.1', { 'if-none-match': tag })).status).toBe(200);
  });

  it.each([
    ['issuing.1', '3'],
    ['issuing.1', '-1'],
    ['issuing.1', '2x'],
    ['issuing.1', '1e9'],
    ['issuing.1', '99999999999999999999'],
    ['other', '2'],
  ])('answers 404 for /crl/%s/%s.crl', async (generation, partition) => {
    const reply = await getCrl(generation, partition);
    expect(reply).toMatchObject({ status: 404, body: 'there is no such CRL\n' });
  });

  it('answers 404 for an unknown CA and 503 when it cannot answer', async () => {
    expect((await getCertificate('other')).status).toBe(404);
    expect(await getCertificate('broken')).toMatchObject({ status: 503, headers: { 'Retry-After': '60' } });
  });

  it('shows nothing of what nobody foresaw', () => {
    const reply = handler.failure(new Error('secret'), { requestId: 'request-1', params: {}, headers: {} });
    expect(reply.status).toBe(500);
    expect(reply.body).toContain('request-1');
    expect(reply.body).not.toContain('secret');
    expect(handler.failure({ status: 413 }, { requestId: 'r', params: {}, headers: {} }).status).toBe(413);
  });
});
