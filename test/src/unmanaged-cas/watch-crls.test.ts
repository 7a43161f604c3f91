/** CRLs of gateways' CAs, fetched from a server on loopback. */
import { X509Certificate } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unmanagedCaCommand } from '../../../src/cli/unmanaged-ca.js';
import { createReportCertificates } from '../../../src/enrollment/report-certificates.js';
import { watchCrls } from '../../../src/unmanaged-cas/watch-crls.js';
import { smallInteger } from '../../../src/x509/der-writer.js';
import { encodeIssuingDistributionPoint } from '../../../src/x509/location-extensions.js';
import { idCeIssuingDistributionPoint } from '../../../src/x509/oids.js';
import {
  crlBy,
  enrollGateway,
  issuedBelow,
  startGatewayFleet,
  type TestGatewayCa,
} from '../../support/gateway-fleet.js';
import { call } from '../../support/operated-fleet.js';
import { eventsOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import { createTestClock } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

const start = new Date('2026-11-01T00:00:00Z');
const clock = createTestClock(start);
const loopback = { allowed: ['127.0.0.0/8'], denied: [] };
const sensor = issuedBelow('gw-1', 'sensor');
const serialNumber = new X509Certificate(sensor).serialNumber.toLowerCase();

let test: TestGateway;
let gateway: TestGatewayCa;
let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked = 0;

beforeAll(async () => {
  test = await startGatewayFleet(clock);
  gateway = await enrollGateway(test, 'gw-1');
  await createReportCertificates(test.gateway.core)({
    unmanagedCa: gateway.id,
    clientCertificate: gateway.certificate.raw,
    content: () => ({ certificates: [sensor], revoked: [] }),
    remoteAddress: '192.0.2.1',
    requestId: 'report',
  });
  server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/ca.crl`;
});
afterAll(async () => {
  server.close();
  await test.close();
});

const serve = (body: Uint8Array, headers: Readonly<Record<string, string>> = {}) => {
  answer = (_request, response) => response.writeHead(200, headers).end(body);
};
const revoked = (reason: 'keyCompromise' | 'certificateHold') => [
  { serialNumber, revokedAt: new Date('2026-10-31T00:00:00Z'), reason },
];

/** Another URL each time, so that nothing is known of the CRL before. */
let watched = 0;
async function watchAnew(): Promise<void> {
  watched++;
  await call(test, 'changeUnmanagedCa', { id: gateway.id, body: { crlUrl: `${url}?${watched}` } });
}

async function look(networks = loopback) {
  await watchCrls(test.gateway.core, networks);
  const { value } = await call(test, 'getUnmanagedCa', { id: gateway.id });
  return value.crl;
}

async function statusOfSensor(): Promise<string> {
  const { value } = await call(test, 'listCertificatesOfUnmanagedCa', { id: gateway.id });
  return value.items[0].status;
}

function crlWith(id: string, value: Uint8Array): Uint8Array {
  return crlBy('gw-1', { thisUpdate: clock.now(), extensions: [{ id, critical: true, value }] });
}

describe('the CRL of an unmanaged CA', () => {
  it('is watched when an operator says so, and says what is revoked, held and released', async () => {
    serve(crlBy('gw-1', { thisUpdate: start, entries: revoked('certificateHold') }), { etag: '"one"' });
    expect(await runCommand(unmanagedCaCommand, test, ['watch', gateway.id, '--crl', url])).toContain(url);
    const [event] = await eventsOf(test, 'unmanaged-ca.crl-watched');
    expect(event?.subject).toBe(gateway.id);
    expect(await look()).toEqual({
      url,
      state: 'fresh',
      problem: null,
      checkedAt: start.toISOString(),
      thisUpdate: start.toISOString(),
      nextUpdate: '2026-11-02T00:00:00.000Z',
      number: '1',
    });
    expect(await statusOfSensor()).toBe('revoked');
    clock.advance(3600);
    serve(crlBy('gw-1', { thisUpdate: clock.now(), number: 2 }));
    expect(await look()).toMatchObject({ state: 'fresh', number: '2' });
    expect(await statusOfSensor()).toBe('valid');
  });

  it('is looked at once an hour, and not read again while it is the same', async () => {
    await watchAnew();
    serve(crlBy('gw-1', { thisUpdate: clock.now() }), { etag: '"same"' });
    await look();
    const before = asked;
    await look();
    expect(asked).toBe(before);
    clock.advance(3600);
    answer = (request, response) => response.writeHead(request.headers['if-none-match'] === '"same"' ? 304 : 500).end();
    expect(await look()).toMatchObject({ state: 'fresh', checkedAt: clock.now().toISOString() });
    expect(asked).toBe(before + 1);
  });

  it('is late once its nextUpdate is past', async () => {
    await watchAnew();
    serve(crlBy('gw-1', { thisUpdate: clock.now(), nextUpdate: new Date(clock.now().getTime() + 1000) }));
    expect(await look()).toMatchObject({ state: 'fresh' });
    clock.advance(2);
    expect(await look()).toMatchObject({ state: 'late' });
  });

  it.each<[string, () => Uint8Array, string]>([
    [
      'signed by another key',
      () => crlBy('gw-1', { thisUpdate: clock.now(), signer: 'nobody' }),
      'not signed by the CA',
    ],
    ['of another CA', () => crlBy('gw-2', { thisUpdate: clock.now(), signer: 'gw-1' }), 'not signed by the CA'],
    [
      'a delta',
      () =>
        crlBy('gw-1', {
          thisUpdate: clock.now(),
          extensions: [{ id: '2.5.29.27', critical: true, value: smallInteger(1) }],
        }),
      'delta CRL',
    ],
    ['with a critical extension that is not known', () => crlWith('1.2.3.4', smallInteger(1)), '1.2.3.4 is not known'],
    [
      'of CA certificates only',
      () =>
        crlWith(idCeIssuingDistributionPoint, encodeIssuingDistributionPoint({ urls: [], onlyContainsCaCerts: true })),
      'CA certificates only',
    ],
    // [3] onlySomeReasons: keyCompromise.
    [
      'of some reasons only',
      () => crlWith(idCeIssuingDistributionPoint, Buffer.from('300483020640', 'hex')),
      'cannot be read',
    ],
    ['of the future', () => crlBy('gw-1', { thisUpdate: new Date(clock.now().getTime() + 600_000) }), 'in the future'],
    ['no CRL', () => Buffer.from('<html>'), 'cannot be read'],
  ])('is bad when it is %s, and nothing of it counts', async (_what, make, problem) => {
    await watchAnew();
    serve(make());
    expect(await look()).toMatchObject({ state: 'bad', problem: expect.stringContaining(problem) });
    expect(await statusOfSensor()).toBe('valid');
  });

  it('is bad when it goes back to an earlier one', async () => {
    await watchAnew();
    serve(crlBy('gw-1', { thisUpdate: clock.now(), number: 9 }));
    expect(await look()).toMatchObject({ state: 'fresh', number: '9' });
    clock.advance(3600);
    serve(crlBy('gw-1', { thisUpdate: clock.now(), number: 8 }));
    expect(await look()).toMatchObject({ state: 'bad', problem: expect.stringContaining('lower than 9'), number: '9' });
    clock.advance(3600);
    serve(crlBy('gw-1', { thisUpdate: start, number: 10 }));
    expect(await look()).toMatchObject({ state: 'bad', problem: expect.stringContaining('older') });
  });

  it.each<[string, () => void, string]>([
    ['larger than 2 MiB', () => serve(new Uint8Array(3 * 1024 * 1024)), 'longer than'],
    ['elsewhere', () => (answer = (_, response) => response.writeHead(302, { location: url }).end()), 'status 302'],
    ['not there', () => (answer = (_, response) => response.writeHead(404).end()), 'status 404'],
  ])('cannot be reached when it is %s', async (_what, prepare, problem) => {
    await watchAnew();
    prepare();
    expect(await look()).toMatchObject({ state: 'unreachable', problem: expect.stringContaining(problem) });
  });

  it('is not fetched from the gateway itself', async () => {
    await watchAnew();
    const before = asked;
    expect(await look({ allowed: [], denied: [] })).toMatchObject({ state: 'unreachable' });
    expect(asked).toBe(before);
  });

  it('is watched no more when an operator says so', async () => {
    await watchAnew();
    expect(await runCommand(unmanagedCaCommand, test, ['watch', gateway.id, '--off'])).toContain('no CRL');
    expect(await look()).toBeNull();
    const wrong = runCommand(unmanagedCaCommand, test, ['watch', gateway.id, '--crl', 'http://a:b@gw/']);
    await expect(wrong).rejects.toThrow('without credentials');
  });
});
