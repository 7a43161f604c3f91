import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createOutboundClient } from '../../../src/outbound/outbound-client.js';
import { OutboundError } from '../../../src/outbound/outbound-error.js';
import type { OutboundHandshake } from '../../../src/outbound/tls-handshake.js';
import {
  makeTlsAlpnCertificate,
  startTlsAlpnResponder,
  type TlsAlpnResponder,
} from '../../support/acme/tls-alpn-responder.js';
import { type LocalServer, listenTcp, listenTlsWithKeys } from './local-server.js';

const open: (LocalServer | TlsAlpnResponder)[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function opened<T extends LocalServer | TlsAlpnResponder>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

const loopback = { allowed: ['127.0.0.0/8', '::1'], denied: [] };
const shown = makeTlsAlpnCertificate(['dns:device.example'], 'anything');

function to(port: number, more: Partial<OutboundHandshake> = {}): OutboundHandshake {
  const usual = { host: 'device.example', serverName: 'device.example', protocol: 'acme-tls/1' };
  return { ...usual, port, addresses: ['127.0.0.1'], timeoutMilliseconds: 1500, networks: loopback, ...more };
}

async function failureOf(work: Promise<unknown>): Promise<Pick<OutboundError, 'reason' | 'message'>> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OutboundError) return { reason: error.reason, message: error.message };
    throw error;
  }
  throw new Error('nothing failed');
}

const client = createOutboundClient();

describe('a TLS handshake', () => {
  it('tells the certificate of whoever answers to the name, trusted or not, and the protocol', async () => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', shown);
    const { certificate, protocol } = await client.handshake(to(server.port));
    expect(Buffer.from(certificate).toString('hex')).toBe(
      new X509Certificate(shown.certificatePem).raw.toString('hex'),
    );
    expect([protocol, server.serverNames()]).toEqual(['acme-tls/1', ['device.example']]);
  });

  it('prefers the RSA certificate of a server that has one of another key as well, and takes any', async () => {
    const shownBy = async (...keys: string[]) => {
      const { port } = await opened(listenTlsWithKeys(keys));
      const { certificate } = await client.handshake(to(port, { protocol: 'http/1.1' }));
      return new X509Certificate(certificate).subject;
    };
    expect(await shownBy('ec', 'rsa')).toBe('CN=rsa');
    expect(await shownBy('ec')).toBe('CN=ec');
  });

  it('tells that no protocol was chosen', async () => {
    const server = await opened(startTlsAlpnResponder({ protocols: [] }));
    server.put('device.example', shown);
    expect((await client.handshake(to(server.port))).protocol).toBeUndefined();
  });

  it('finds the host by itself where the caller has not', async () => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', shown);
    const resolving = createOutboundClient({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    const { addresses: _, ...handshake } = to(server.port);
    expect((await resolving.handshake(handshake)).protocol).toBe('acme-tls/1');
  });

  it('connects to permitted addresses only', async () => {
    const { port, connections } = await opened(listenTcp((socket) => void socket.resume()));
    const networks = { allowed: [], denied: [] };
    for (const host of ['device.example', '127.0.0.1', '::1', '::ffff:127.0.0.1'])
      expect((await failureOf(client.handshake(to(port, { host, networks })))).reason).toBe('denied-address');
    expect(await failureOf(client.handshake(to(port, { host: '::1', networks })))).toEqual({
      reason: 'denied-address',
      message: `[::1]:${port} is at ::1, where outbound requests may not go`,
    });
    expect(connections()).toBe(0);
  });

  it('ends with its time, and hangs up', async () => {
    const closed: Promise<void>[] = [];
    const { port } = await opened(
      listenTcp((socket) => {
        socket.resume();
        closed.push(new Promise((done) => socket.once('close', () => done())));
      }),
    );
    expect(await failureOf(client.handshake(to(port, { timeoutMilliseconds: 150 })))).toEqual({
      reason: 'timeout',
      message: `device.example:${port} gave no whole answer within 0.15 s`,
    });
    expect(closed).toHaveLength(1);
    await Promise.all(closed);
  });

  it('tells of a port where nobody listens', async () => {
    const server = await startTlsAlpnResponder();
    await server.close();
    expect(await failureOf(client.handshake(to(server.port)))).toEqual({
      reason: 'unreachable',
      message: `no answer from device.example:${server.port}: ECONNREFUSED`,
    });
  });

  it('tells of a server that sends something else, for ever too', async () => {
    const { port } = await opened(
      listenTcp((socket) => {
        const flood = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(16_384, 0x16)));
        };
        socket.on('drain', flood);
        flood();
      }),
    );
    expect((await failureOf(client.handshake(to(port)))).reason).toBe('tls');
  });
});
