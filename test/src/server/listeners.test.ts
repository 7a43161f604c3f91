import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createEstHandler } from '../../../protocols/est/index.js';
import { createProtocolServices } from '../../../src/enrollment/protocol-services.js';
import { createServiceKeys } from '../../../src/enrollment/service-keys.js';
import { openListeners } from '../../../src/server/listeners.js';
import { toPem } from '../../../src/x509/pem.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import { freePorts, startTestGateway, type TestGateway } from '../../support/test-gateway.js';

function serverCertificate(port: number): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe("the gateway's own TLS certificate", () => {
  it('renews itself without a restart, while connections go on', async () => {
    const clock = createTestClock();
    jest.useFakeTimers({ doNotFake: everyTimerButIntervals });
    const test = await startTestGateway({ configuration: fleet, clock });
    try {
      const { deviceTlsPort, adminPort } = test.gateway.listeners;
      const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode, isSingleConnection: true });
      expect((await est.get('cacerts')).status).toBe(200);
      const first = await serverCertificate(deviceTlsPort);
      expect(first.subjectaltname).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');

      clock.advance(19 * daySeconds);
      await housekeeping();
      expect((await serverCertificate(deviceTlsPort)).serialNumber).toBe(first.serialNumber);

      clock.advance(2 * daySeconds);
      const second = await eventually(async () => {
        await housekeeping();
        const now = await serverCertificate(deviceTlsPort);
        return now.serialNumber === first.serialNumber ? undefined : now;
      });
      expect(Date.parse(second.valid_to)).toBeGreaterThan(Date.parse(first.valid_to));
      expect((await serverCertificate(adminPort)).serialNumber).toBe(second.serialNumber);
      expect((await est.get('cacerts')).status).toBe(200);
      est.close();
    } finally {
      await test.close();
      jest.useRealTimers();
    }
  });
});

describe('the listeners', () => {
  let test: TestGateway;
  let est: EstClient;
  beforeAll(async () => {
    test = await startTestGateway({ configuration: fleet });
    est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
  });
  afterAll(() => test.close());

  it('give each answer a request id of its own', async () => {
    const put = est.send('/.well-known/est/cacerts', { method: 'PUT' });
    const answers = await Promise.all([est.get('cacerts'), est.get('cacerts'), est.post('simpleenroll', ''), put]);
    const ids = answers.map(({ requestId }) => requestId);
    expect(ids.every((id) => /^[0-9a-f-]{36}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(4);
  });

  it('say on the admin listener that the gateway lives and is ready', async () => {
    const { adminPort } = test.gateway.listeners;
    const admin = (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const where = { port: adminPort, host: '127.0.0.1', path, rejectUnauthorized: false, agent: false } as const;
        const outgoing = request(where, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
        });
        outgoing.on('error', reject);
        outgoing.end();
      });
    expect([await admin('/livez'), await admin('/readyz'), await admin('/.well-known/est/cacerts')]).toEqual([
      200, 200, 404,
    ]);
  });

  it('let a request that runs end, then close (graceful stop)', async () => {
    const body = Buffer.from(makeCsr({ key: newKey(), subject: 'CN=last' })).toString('base64');
    const { deviceTlsPort } = test.gateway.listeners;
    await est.get('cacerts');
    const socket = connect({ port: deviceTlsPort, host: '127.0.0.1', rejectUnauthorized: false });
    const head = [
      'POST /.well-known/est/fleet/simpleenroll HTTP/1.1',
      'host: x',
      `authorization: Basic ${Buffer.from(`:${fleetPasscode}`).toString('base64')}`,
      'content-type: application/pkcs10',
      `content-length: ${body.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 20)}`);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    await pause(100);
    const began = performance.now();
    const closed = test.gateway.close();
    await pause(50);
    await expect(serverCertificate(deviceTlsPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const answer = new Promise<string>((resolve) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
    socket.write(body.slice(20));
    const [answerHead = '', text = ''] = (await answer).split('\r\n\r\n');
    expect(answerHead).toMatch(/^HTTP\/1.1 200 /);
    const issued = { status: 200, headers: {}, body: Buffer.from(text), text, requestId: '' };
    expect(certificateOf(issued).subject).toBe('CN=last');
    await closed;
    expect(performance.now() - began).toBeLessThan(3000);
    test = await test.restart();
  });
});

describe('the time-outs of the listeners', () => {
  it('end connections whose client does not go on, and answer 408 to half a request', async () => {
    const test = await startTestGateway({ configuration: fleet });
    const { core } = test.gateway;
    const key = await createServiceKeys(core).get({
      purpose: 'tls-server',
      issuingCa: 'devices',
      names: ['localhost'],
    });
    const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
    const tls = {
      cert: toPem('CERTIFICATE', key.certificate),
      key: await core.keys.privateKeyPem(key.keyId),
      clientCas: [],
    };
    const refusals: string[] = [];
    const listeners = await openListeners({
      settings: { ...test.settings, deviceTlsPort, deviceHttpPort, adminPort },
      handlers: [createEstHandler(createProtocolServices(core, createServiceKeys(core), test.settings))],
      tls,
      log: core.log,
      isTrustedProxy: () => false,
      recordRefusal: async ({ reason }) => {
        refusals.push(reason);
      },
      isReady: async () => true,
      timeouts: { handshakeTimeout: 300, headersTimeout: 300, requestTimeout: 400, connectionsCheckingInterval: 50 },
    });
    const ended = (socket: Socket): Promise<string> =>
      new Promise((resolve) => {
        const chunks: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => chunks.push(chunk));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
      });
    const where = { port: deviceTlsPort, host: '127.0.0.1', rejectUnauthorized: false };
    const started = 'POST /.well-known/est/fleet/simpleenroll HTTP/1.1\r\nhost: x\r\n';
    const silent = connectTcp(deviceTlsPort, '127.0.0.1');
    const [idle, slowHeaders, slowBody] = [connect(where), connect(where), connect(where)];
    slowHeaders.write(started);
    slowBody.write(`${started}content-type: application/pkcs10\r\ncontent-length: 100\r\n\r\nMII`);
    const [ofSilent, , ofHeaders, ofBody] = await Promise.all([silent, idle, slowHeaders, slowBody].map(ended));
    expect(ofSilent).toBe('');
    expect(ofHeaders).toMatch(/^HTTP\/1.1 408 /);
    expect(ofBody).toMatch(/^HTTP\/1.1 408 /);
    expect(refusals).toEqual(['the request body ended early']);
    await listeners.close(100);
    await test.close();
  });
});

const everyTimerButIntervals = [
  ...(['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask'] as const),
  ...(['setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] as const),
];

/** A minute of the recurring tasks. */
async function housekeeping(): Promise<void> {
  await jest.advanceTimersByTimeAsync(60_000);
  await pause(50);
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 20; i++) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('it did not happen');
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
