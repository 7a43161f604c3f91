import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { listenPlain, listenTls } from '../../../src/outbound/local-server.js';
import {
  a,
  answering,
  atLoopback,
  challengePath,
  closeOpened,
  dnsWith,
  opened,
  outcomeWith,
  redirectingTo,
} from './http-targets.js';
import { impatient, keyAuthorization, outcomeOf } from './validation.js';

afterEach(closeOpened);

describe('redirects of http-01 (RFC 8555 8.3, 10.2)', () => {
  it.each([301, 302, 303, 307, 308])('are followed with status %d, relative or not', async (status) => {
    const outcome = await outcomeWith((request, response) => {
      const { host } = request.headers;
      const steps = new Map([
        [challengePath, `http://${host}/first`],
        ['/first', 'second?a=b#fragment'],
      ]);
      const location = steps.get(request.url ?? '');
      if (location !== undefined) response.writeHead(status, { location }).end();
      else response.writeHead(request.url === '/second?a=b' ? 200 : 404).end(keyAuthorization);
    });
    expect(outcome).toBe('valid');
  });

  it('are followed to https, whose certificate need not be good', async () => {
    const { resolver } = await dnsWith({ ...atLoopback, 'other.example': [[a('127.0.0.1')]] });
    const secured = await opened(listenTls(answering(keyAuthorization), { names: ['dns:wrong.example'] }));
    const { port } = await opened(listenPlain(redirectingTo(`https://other.example:${secured.port}/`)));
    const settings = { resolvers: [resolver], httpPort: port, tlsPort: secured.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
  });

  it('end in tls where https is answered by something else', async () => {
    const { resolver } = await dnsWith(atLoopback);
    const plain = await opened(listenPlain(answering(keyAuthorization)));
    const { port } = await opened(listenPlain(redirectingTo(`https://device.example:${plain.port}/`)));
    const settings = { resolvers: [resolver], httpPort: port, tlsPort: plain.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toMatchObject({ type: 'tls' });
  });

  it('are 10 at most', async () => {
    const chain =
      (redirects: number): RequestListener =>
      (request, response) => {
        const step = Number(/^\/step(\d+)$/.exec(request.url ?? '')?.[1] ?? 0);
        if (step === redirects) response.end(keyAuthorization);
        else response.writeHead(302, { location: `/step${step + 1}` }).end();
      };
    expect(await outcomeWith(chain(10))).toBe('valid');
    expect(await outcomeWith(chain(11))).toEqual({
      type: 'connection',
      message: expect.stringMatching(/^more than 10 redirects, the last to device.example:\d+; use fewer$/),
    });
    expect(await outcomeWith(chain(Number.POSITIVE_INFINITY))).toMatchObject({ type: 'connection' });
  });

  it('tell nothing of the pages that they lead to (10.4)', async () => {
    const pages: RequestListener = (request, response) => {
      if (request.url === challengePath) response.writeHead(302, { location: '/inner?guess=1' }).end();
      else response.writeHead(request.url === '/inner?guess=1' ? inner.status : 404).end(inner.body);
    };
    let inner = { status: 200, body: 'a secret' };
    const found = await outcomeWith(pages);
    inner = { status: 401, body: '' };
    const missing = await outcomeWith(pages);
    const port = /:\d+/g;
    expect(JSON.stringify(found).replace(port, '')).toBe(JSON.stringify(missing).replace(port, ''));
    expect(found).toEqual({
      type: 'incorrectResponse',
      message: expect.stringMatching(
        /^the http-01 challenge of device.example was answered by device.example:\d+, where a redirect led, with something else than status 200 and the key authorization; serve that there$/,
      ),
    });
  });

  it('end where they come back', async () => {
    expect(await outcomeWith(redirectingTo(challengePath))).toEqual({
      type: 'connection',
      message: expect.stringMatching(/^device.example:\d+ redirects in a loop, back to device.example:\d+; /),
    });
  });

  it.each([
    ['an address', 'http://169.254.169.254/latest/meta-data/'],
    ['an address in other words', 'http://0xa9fea9fe/'],
    ['a mapped address', 'http://[::ffff:169.254.169.254]/'],
    ['a name', 'http://metadata.example/secret'],
    ['a name of https', 'https://metadata.example/secret'],
  ])('do not lead to a forbidden network by %s', async (_kind, location) => {
    const { resolver } = await dnsWith({ ...atLoopback, 'metadata.example': [[a('169.254.169.254')]] });
    const { port } = await opened(listenPlain(redirectingTo(location)));
    const outcome = await outcomeOf('http-01', {
      of: 'device.example',
      settings: { resolvers: [resolver], httpPort: port },
    });
    expect(outcome).toEqual({
      type: 'connection',
      message: expect.stringMatching(/^after a redirect: \S+ is in no network that validation may reach; /),
    });
    expect(outcome).not.toHaveProperty('message', expect.stringMatching(/secret|latest/));
  });

  it.each([
    [
      'another port',
      'http://device.example:22/',
      /^device.example:\d+ redirects to port 22; redirect to one of 80, 443, \d+$/,
    ],
    ['another scheme', 'ftp://device.example/', /^device.example:\d+ redirects to a scheme that is not followed; /],
    ['a file', 'file:///etc/passwd', /^device.example:\d+ redirects to a scheme that is not followed; /],
    [
      'credentials',
      'http://user:secret@device.example/',
      /^after a redirect: the URL at device.example has credentials in it/,
    ],
  ])('do not lead to %s', async (_kind, location, words) => {
    expect(await outcomeWith(redirectingTo(location))).toEqual({
      type: 'connection',
      message: expect.stringMatching(words),
    });
  });

  it('have to lead somewhere', async () => {
    for (const headers of [{}, { location: '' }, { location: 'http://' }]) {
      expect(await outcomeWith((_, response) => response.writeHead(302, headers).end())).toEqual({
        type: 'incorrectResponse',
        message: expect.stringMatching(/^device.example:\d+ redirects to no URL; /),
      });
    }
  });

  it('have no more time than one attempt, however quick each is', async () => {
    const outcome = await outcomeWith((request, response) => {
      const location = `/${(request.url ?? '').length}${request.url}`;
      setTimeout(() => response.writeHead(302, { location }).end(), 250);
    }, impatient);
    expect(outcome).toEqual({
      type: 'connection',
      message: expect.stringMatching(
        /^(the validation of device.example took longer than 1.2 s; |after a redirect: device.example:\d+ gave no whole answer within )/,
      ),
    });
  });
});
