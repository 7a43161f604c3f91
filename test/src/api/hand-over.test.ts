import { execFile } from 'node:child_process';
import { createServer as createHttpServer, get, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { handOver } from '../../../src/api/hand-over.js';
import { requireTool } from '../../support/interop.js';
import { createIdentity, createOpenSsl, type OpenSsl } from '../cms/openssl.js';

let openssl: OpenSsl;

beforeAll(() => {
  openssl = createOpenSsl();
  createIdentity(openssl, 'server', 'P-256');
});
afterAll(() => openssl.remove());

/** What a client gets, and what the server learns of it. */
async function serve(
  body: () => Readable,
  use: (port: number) => Promise<unknown>,
  isTls = false,
): Promise<boolean | string> {
  let answered: (result: boolean | string) => void = () => undefined;
  const result = new Promise<boolean | string>((resolve) => {
    answered = resolve;
  });
  const text = (name: string) => Buffer.from(openssl.read(name)).toString();
  const server: Server = isTls
    ? createHttpsServer({ key: text('server.key'), cert: text('server.pem') })
    : createHttpServer();
  server.on('request', (_, response) => {
    handOver(body(), response).then(answered, (error: Error) => {
      response.destroy();
      answered(error.message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await use(typeof address === 'object' && address !== null ? address.port : 0);
  const found = await result;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return found;
}

/** Little enough for the buffers of the operating system. */
function small(): Readable {
  return Readable.from([Buffer.alloc(200_000)], { objectMode: false });
}

function large(): Readable {
  return Readable.from(
    Array.from({ length: 200 }, () => Buffer.alloc(100_000)),
    { objectMode: false },
  );
}

const itWithCurl = requireTool('curl', 'what can be had once') ? it : it.skip;

describe('what can be had once', () => {
  it.each([
    ['little', small, 200_000],
    ['much', large, 20_000_000],
  ])('is handed over where the client takes all of it, be it %s', async (_, body, length) => {
    let received = 0;
    const result = await serve(body, async (port) => {
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      expect(answer.headers.get('connection')).toBe('close');
      received = (await answer.arrayBuffer()).byteLength;
    });
    expect([received, result]).toEqual([length, true]);
  });

  itWithCurl('is handed over to curl, over TLS', async () => {
    let printed = '';
    const result = await serve(
      small,
      async (port) => {
        const words = ['-sk', '-o', '/dev/null', '-w', '%{size_download}', `https://127.0.0.1:${port}/`];
        printed = (await promisify(execFile)('curl', words)).stdout;
      },
      true,
    );
    expect([printed, result]).toEqual(['200000', true]);
  });

  it.each([
    ['little', small],
    ['much', large],
  ])('is not where the client goes before it has read all, be it %s', async (_, body) => {
    const result = await serve(body, async (port) => {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
        socket.once('readable', () => {
          // All of a small body waits in the client's system by then, unread.
          setTimeout(() => {
            socket.destroy();
            resolve();
          }, 100);
        });
      });
    });
    expect(result).not.toBe(true);
  });

  it('is not where the body breaks', async () => {
    const broken = () =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(1000);
          throw new Error('the database is gone');
        })(),
        { objectMode: false },
      );
    const result = await serve(broken, async (port) => {
      await new Promise<void>((resolve) => {
        const request = get(`http://127.0.0.1:${port}/`, (answer) => {
          answer.resume().once('error', () => resolve());
        });
        request.once('error', () => resolve());
      });
    });
    expect(result).toBe('the database is gone');
  });
});
