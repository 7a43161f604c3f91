import { EventEmitter, once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createOutboundClient, type OutboundRequest } from '../../../src/outbound/outbound-client.js';
import { OutboundError } from '../../../src/outbound/outbound-error.js';
import {
  type LocalServer,
  listenPlain,
  listenTcp,
  listenTls,
  otherCaPem,
  readText,
  testCaPem,
} from './local-server.js';

const open: LocalServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function opened(starting: Promise<LocalServer>): Promise<LocalServer> {
  const server = await starting;
  open.push(server);
  return server;
}

const loopback = { allowed: ['127.0.0.0/8'], denied: [] };
const client = createOutboundClient();

function get(url: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
  return { url, method: 'GET', timeoutMilliseconds: 1500, maximumResponseBytes: 1000, networks: loopback, ...more };
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

/** Resolves every name to the same addresses, and tells which names it was asked for. */
function resolvesTo(...addresses: readonly string[]) {
  const asked: string[] = [];
  return {
    asked,
    resolve: async (hostname: string) => {
      asked.push(hostname);
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  };
}

describe('the outbound client', () => {
  it('sends method, path, headers and body, and gives the whole answer', async () => {
    const { port } = await opened(
      listenPlain(async (request, response) => {
        const { method, url, headers } = request;
        const { host, connection } = headers;
        response.writeHead(201, { 'x-answer': 'yes' });
        const seen = { method, url, host, connection, length: headers['content-length'], sent: headers['x-sent'] };
        response.end(JSON.stringify({ ...seen, body: await readText(request) }));
      }),
    );
    const url = `http://127.0.0.1:${port}/a/b?c=d#e`;
    const answer = await client.request(get(url, { method: 'POST', headers: { 'x-sent': '1' }, body: 'héllo' }));
    expect(answer.status).toBe(201);
    expect(answer.headers['x-answer']).toBe('yes');
    expect(JSON.parse(Buffer.from(answer.body).toString())).toEqual({
      method: 'POST',
      url: '/a/b?c=d',
      host: `127.0.0.1:${port}`,
      connection: 'close',
      length: '6',
      sent: '1',
      body: 'héllo',
    });
  });

  it('follows no redirect', async () => {
    const { port, connections } = await opened(
      listenPlain((request, response) =>
        response.writeHead(302, { location: `http://${request.headers.host}/` }).end(),
      ),
    );
    const { status } = await client.request(get(`http://127.0.0.1:${port}/`));
    expect([status, connections()]).toEqual([302, 1]);
  });

  it('uses a connection for one request only', async () => {
    const { port, connections } = await opened(listenPlain((_, response) => response.end()));
    await client.request(get(`http://127.0.0.1:${port}/`));
    await client.request(get(`http://127.0.0.1:${port}/`));
    expect(connections()).toBe(2);
  });

  it.each([
    ['no URL', '/path?secret'],
    ['another scheme', 'ftp://127.0.0.1/secret'],
    ['a file', 'file:///etc/passwd'],
    ['credentials', 'http://user:secret@127.0.0.1/'],
    ['a user name', 'http://secret@127.0.0.1/'],
  ])('refuses %s, and does not repeat it', async (_kind, url) => {
    const { reason, message } = await failureOf(client.request(get(url)));
    expect(reason).toBe('bad-url');
    expect(message).not.toMatch(/secret|passwd/);
  });
});

describe('where the outbound client connects to', () => {
  it('is not loopback by default, in whatever form, and nobody is connected to', async () => {
    const { port, connections } = await opened(listenPlain((_, response) => response.end()));
    const networks = { allowed: [], denied: [] };
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0', '127.1'];
    for (const host of hosts) {
      const { reason } = await failureOf(client.request(get(`http://${host}:${port}/?secret`, { networks })));
      expect([host, reason]).toEqual([host, 'denied-address']);
    }
    expect(connections()).toBe(0);
  });

  it('is not what a name resolves to, if that is denied', async () => {
    const { resolve } = resolvesTo('169.254.169.254', 'fe80::1');
    const networks = { allowed: [], denied: [] };
    const request = get('http://webhook.example/path?secret', { networks });
    expect(await failureOf(createOutboundClient({ resolve }).request(request))).toEqual({
      reason: 'denied-address',
      message: 'webhook.example is at 169.254.169.254, fe80::1, where outbound requests may not go',
    });
  });

  it('is the address that was checked: a name is resolved once', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end('here')));
    const { resolve, asked } = resolvesTo('127.0.0.1');
    const { body } = await createOutboundClient({ resolve }).request(get(`http://rebinding.example:${port}/`));
    expect(Buffer.from(body).toString()).toBe('here');
    expect(asked).toEqual(['rebinding.example']);
  });

  it('is never a denied address, though the name has permitted ones as well', async () => {
    const { port, connections } = await opened(listenPlain((_, response) => response.end()));
    const { resolve } = resolvesTo('127.0.0.1', '127.0.0.2');
    const networks = { allowed: ['127.0.0.0/8'], denied: ['127.0.0.1'] };
    const request = get(`http://webhook.example:${port}/`, { networks });
    // The server listens at the denied address only.
    expect((await failureOf(createOutboundClient({ resolve }).request(request))).reason).toBe('unreachable');
    expect(connections()).toBe(0);
  });

  it('is the next permitted address where the first does not answer', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end()));
    const { resolve } = resolvesTo('127.0.0.9', '127.0.0.1');
    const { status } = await createOutboundClient({ resolve }).request(get(`http://webhook.example:${port}/`));
    expect(status).toBe(200);
  });

  it('may be localhost where 127.0.0.0/8 is allowed', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end()));
    expect((await client.request(get(`http://localhost:${port}/`))).status).toBe(200);
  });

  it('is one of the addresses that the caller has found, checked as any other', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end('here')));
    const { resolve, asked } = resolvesTo('127.0.0.9');
    const given = createOutboundClient({ resolve });
    const url = `http://webhook.example:${port}/`;
    const { body } = await given.request(get(url, { addresses: ['169.254.169.254', '127.0.0.1'] }));
    expect(Buffer.from(body).toString()).toBe('here');
    expect((await failureOf(given.request(get(url, { addresses: ['169.254.169.254', 'localhost'] })))).reason).toBe(
      'denied-address',
    );
    expect((await failureOf(given.request(get(url, { addresses: [] })))).reason).toBe('unreachable');
    // What the URL says is not to be overruled.
    const denied = get('http://169.254.169.254/', { addresses: ['127.0.0.1'] });
    expect((await failureOf(given.request(denied))).reason).toBe('denied-address');
    expect(asked).toEqual([]);
  });

  it('is nowhere when the name has no address or is not known', async () => {
    const nothing = createOutboundClient({ resolve: resolvesTo().resolve });
    expect(await failureOf(nothing.request(get('http://webhook.example/')))).toEqual({
      reason: 'unreachable',
      message: 'webhook.example has no address',
    });
    const unknown = createOutboundClient({
      resolve: () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })),
    });
    expect(await failureOf(unknown.request(get('http://webhook.example:81/')))).toEqual({
      reason: 'unreachable',
      message: 'no answer from webhook.example:81: ENOTFOUND',
    });
  });
});

describe('the limits of an outbound request', () => {
  const fast = { timeoutMilliseconds: 150 };

  it('end a name resolution that takes too long, and connect to nobody afterwards', async () => {
    const { port, connections } = await opened(listenPlain((_, response) => response.end()));
    const resolution = new EventEmitter();
    const resolve = async () => (await once(resolution, 'done')) as { address: string; family: number }[];
    const request = get(`http://webhook.example:${port}/`, fast);
    const { reason, message } = await failureOf(createOutboundClient({ resolve }).request(request));
    expect([reason, message]).toEqual(['timeout', `webhook.example:${port} gave no whole answer within 0.15 s`]);
    resolution.emit('done', { address: '127.0.0.1', family: 4 });
    await new Promise((done) => setTimeout(done, 50));
    expect(connections()).toBe(0);
  });

  it('end a wait for a server that does not answer, and hang up', async () => {
    let hungUp: Promise<void> | undefined;
    const { port } = await opened(
      listenTcp((socket) => {
        socket.resume();
        hungUp = new Promise((done) => socket.once('close', () => done()));
      }),
    );
    expect((await failureOf(client.request(get(`http://127.0.0.1:${port}/`, fast)))).reason).toBe('timeout');
    expect(hungUp).toBeDefined();
    await hungUp;
  });

  it('end a TLS handshake that does not go on', async () => {
    const { port } = await opened(listenTcp((socket) => void socket.resume()));
    expect((await failureOf(client.request(get(`https://127.0.0.1:${port}/`, fast)))).reason).toBe('timeout');
  });

  it('end a body that drips, however steadily', async () => {
    const { port } = await opened(
      listenPlain((_, response) => {
        const drip = setInterval(() => response.write('.'), 20);
        response.once('close', () => clearInterval(drip));
      }),
    );
    expect((await failureOf(client.request(get(`http://127.0.0.1:${port}/`, fast)))).reason).toBe('timeout');
  });

  it.each([
    ['with its length said', { 'content-length': '1001' }],
    ['without', {}],
  ])('end an answer that is too long, %s', async (_kind, headers) => {
    const { port } = await opened(
      listenPlain((_, response) => response.writeHead(200, headers).end(Buffer.alloc(1001))),
    );
    expect(await failureOf(client.request(get(`http://127.0.0.1:${port}/`)))).toEqual({
      reason: 'too-large',
      message: `the answer of 127.0.0.1:${port} is longer than 1000 bytes`,
    });
  });

  it('end an endless answer before its end', async () => {
    const { port } = await opened(
      listenPlain((_, response) => {
        const flood = () => {
          while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        };
        response.on('drain', flood);
        flood();
      }),
    );
    expect((await failureOf(client.request(get(`http://127.0.0.1:${port}/`)))).reason).toBe('too-large');
  });

  it('take an answer of just the permitted length', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end(Buffer.alloc(1000))));
    expect((await client.request(get(`http://127.0.0.1:${port}/`))).body).toHaveLength(1000);
  });

  it.each([
    ['hangs up', ''],
    ['hangs up within the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['hangs up within the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['changes the protocol unasked', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['sends headers without end', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1000)}\r\n`.repeat(64)}`],
  ])('take no answer of a server that %s', async (_kind, answer) => {
    const { port } = await opened(listenTcp((socket) => socket.once('data', () => socket.end(answer))));
    const { reason, message } = await failureOf(client.request(get(`http://127.0.0.1:${port}/?secret`)));
    expect(reason).toBe('unreachable');
    expect(message).toMatch(new RegExp(`^no answer from 127.0.0.1:${port}: ([A-Z_]+|it changed the protocol)$`));
  });

  it('tell of a port where nobody listens', async () => {
    const server = await listenPlain(() => undefined);
    await server.close();
    expect(await failureOf(client.request(get(`http://127.0.0.1:${server.port}/`)))).toEqual({
      reason: 'unreachable',
      message: `no answer from 127.0.0.1:${server.port}: ECONNREFUSED`,
    });
  });
});

describe('TLS of outbound requests', () => {
  const listener = (_: unknown, response: { end: (text: string) => void }) => response.end('secured');

  it('takes a server whose certificate chains to the given CA, by name and by address', async () => {
    const { port } = await opened(listenTls(listener, { names: ['dns:localhost', 'ip:7f000001'] }));
    for (const host of ['localhost', '127.0.0.1']) {
      const { body } = await client.request(get(`https://${host}:${port}/`, { ca: testCaPem }));
      expect(Buffer.from(body).toString()).toBe('secured');
    }
  });

  it.each([
    ['another CA is given', otherCaPem],
    ['no CA is given', undefined],
  ])('refuses it where %s', async (_kind, pem) => {
    const { port } = await opened(listenTls(listener, { names: ['dns:localhost'] }));
    const request = get(`https://localhost:${port}/?secret`, pem === undefined ? {} : { ca: pem });
    const { reason, message } = await failureOf(client.request(request));
    expect(reason).toBe('tls');
    expect(message).toMatch(new RegExp(`^no TLS connection with localhost:${port}: [A-Z_]+$`));
  });

  it('takes any certificate where the server need not be verified, and TLS all the same', async () => {
    const { port } = await opened(listenTls(listener, { names: ['dns:other.example'] }));
    const url = `https://localhost:${port}/`;
    expect((await client.request(get(url, { verifyServer: false }))).status).toBe(200);
    const old = await opened(listenTls(listener, { names: ['dns:other.example'], maxVersion: 'TLSv1.1' }));
    const { reason } = await failureOf(client.request(get(`https://localhost:${old.port}/`, { verifyServer: false })));
    expect(reason).toBe('tls');
  });

  it('refuses a certificate for another name, whatever the Host header says', async () => {
    const { port } = await opened(listenTls(listener, { names: ['dns:other.example'] }));
    const headers = { host: 'other.example' };
    for (const host of ['localhost', '127.0.0.1']) {
      expect(await failureOf(client.request(get(`https://${host}:${port}/`, { ca: testCaPem, headers })))).toEqual({
        reason: 'tls',
        message: `no TLS connection with ${host}:${port}: ERR_TLS_CERT_ALTNAME_INVALID`,
      });
    }
  });

  it('refuses TLS 1.1 and takes TLS 1.2', async () => {
    const names = ['dns:localhost'];
    const old = await opened(listenTls(listener, { names, maxVersion: 'TLSv1.1' }));
    expect((await failureOf(client.request(get(`https://localhost:${old.port}/`, { ca: testCaPem })))).reason).toBe(
      'tls',
    );
    const good = await opened(listenTls(listener, { names, maxVersion: 'TLSv1.2' }));
    expect((await client.request(get(`https://localhost:${good.port}/`, { ca: testCaPem }))).status).toBe(200);
  });

  it('refuses a server without TLS', async () => {
    const { port } = await opened(listenPlain((_, response) => response.end()));
    expect((await failureOf(client.request(get(`https://127.0.0.1:${port}/`)))).reason).toBe('tls');
  });
});
