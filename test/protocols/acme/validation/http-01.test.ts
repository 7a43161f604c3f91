import { afterEach, describe, expect, it } from '@jest/globals';
import { listenPlain, listenTcp } from '../../../src/outbound/local-server.js';
import { startDnsServer } from '../../../support/acme/dns-server.js';
import { startHttpResponder } from '../../../support/acme/http-responder.js';
import { answering, atLoopback, challengePath, closeOpened, dnsWith, opened, outcomeWith } from './http-targets.js';
import { impatient, keyAuthorization, outcomeOf, token } from './validation.js';

afterEach(closeOpened);

describe('http-01 (RFC 8555 8.3)', () => {
  it('asks for the token at the name, and takes the key authorization', async () => {
    const { resolver } = await dnsWith(atLoopback);
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
    expect(server.requests()).toEqual([`device.example:${server.port}${challengePath}`]);
  });

  it.each(['\n', '\r\n', ' \t\n\n'])('does not mind white space at the end (%j)', async (end) => {
    expect(await outcomeWith(answering(`${keyAuthorization}${end}`))).toBe('valid');
  });

  it.each([
    ['nothing', ''],
    ['white space only', '  \n'],
    ['white space in front', ` ${keyAuthorization}`],
    ['the token only', token],
    ['more than the key authorization', `${keyAuthorization}x`],
    ['the key authorization in another case', keyAuthorization.toUpperCase()],
    ['another text of the same length', 'x'.repeat(keyAuthorization.length)],
    ['its bytes with high bits', Buffer.from(keyAuthorization).map((octet) => octet | 0x80)],
  ])('refuses %s as incorrectResponse, and does not repeat it', async (_kind, body) => {
    const outcome = await outcomeWith(answering(body));
    const { length } = Buffer.from(body);
    expect(outcome).toMatchObject({ type: 'incorrectResponse' });
    expect(outcome).toHaveProperty(
      'message',
      expect.stringMatching(
        new RegExp(
          `^the http-01 challenge of device.example was answered by device.example:\\d+ with ${length} bytes that are not the key authorization; serve nothing but the ${keyAuthorization.length} bytes of it$`,
        ),
      ),
    );
  });

  it.each([201, 204, 304, 401, 404, 500])('refuses status %d as incorrectResponse', async (status) => {
    expect(await outcomeWith(answering(status === 204 || status === 304 ? '' : keyAuthorization, status))).toEqual({
      type: 'incorrectResponse',
      message: expect.stringMatching(
        new RegExp(
          `^the http-01 challenge of device.example was answered by device.example:\\d+ with status ${status}; `,
        ),
      ),
    });
  });

  it('is refused as connection where nobody listens', async () => {
    const { resolver } = await dnsWith(atLoopback);
    const server = await listenPlain(answering(''));
    await server.close();
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toEqual({
      type: 'connection',
      message: `no answer from device.example:${server.port}: ECONNREFUSED; answer http-01 challenges on port ${server.port}`,
    });
  });

  it('is refused as connection where a server never answers', async () => {
    const { resolver } = await dnsWith(atLoopback);
    const { port } = await opened(listenTcp((socket) => void socket.resume()));
    const settings = { resolvers: [resolver], httpPort: port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings, limits: impatient })).toEqual({
      type: 'connection',
      message: `device.example:${port} gave no whole answer within 0.4 s; answer http-01 challenges on port ${port}`,
    });
  });

  it('is refused as connection where a server sends for ever', async () => {
    let sent = 0;
    const outcome = await outcomeWith((_, response) => {
      const flood = () => {
        do sent += 16_384;
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', flood);
      flood();
    });
    expect(outcome).toEqual({
      type: 'connection',
      message: expect.stringMatching(/^the answer of device.example:\d+ is longer than 16384 bytes; /),
    });
    // What was on its way when the gateway hung up.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('is refused as connection where a server drips', async () => {
    const outcome = await outcomeWith((_, response) => {
      const drip = setInterval(() => response.write('.'), 20);
      response.once('close', () => clearInterval(drip));
    }, impatient);
    expect(outcome).toMatchObject({ type: 'connection' });
  });

  it('proves no wildcard', async () => {
    expect(await outcomeOf('http-01', { of: 'device.example', isWildcard: true, settings: {} })).toEqual({
      type: 'rejectedIdentifier',
      message: 'http-01 proves one name only; use dns-01 for *.device.example',
    });
  });

  it.each(['127.1', '2130706433', '0x7f000001', '0177.0.0.1'])(
    'does not take the name %s for an address',
    async (of) => {
      const { port, connections } = await opened(listenPlain(answering(keyAuthorization)));
      expect(await outcomeOf('http-01', { of, settings: { httpPort: port } })).toEqual({
        type: 'rejectedIdentifier',
        message: `${of} is no host name of a URL; use dns-01 for it`,
      });
      expect(connections()).toBe(0);
    },
  );

  it('does not take an address for a name', async () => {
    expect(await outcomeOf('tls-alpn-01', { of: '127.0.0.1', settings: {} })).toEqual({
      type: 'rejectedIdentifier',
      message: '127.0.0.1 is not of type dns; name addresses as ip, and hosts as dns',
    });
  });
});

describe('http-01 for addresses (RFC 8738 5)', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '[::1]'],
  ])('connects to %s and has it as Host, and asks no DNS server', async (address, host) => {
    const dns = await opened(startDnsServer());
    const server = await opened(startHttpResponder(address));
    server.put(token, keyAuthorization);
    const settings = { resolvers: [dns.resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: `ip:${address}`, settings })).toBe('valid');
    expect(server.requests()).toEqual([`${host}:${server.port}${challengePath}`]);
    expect(dns.queries()).toEqual([]);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['169.254.169.254', '169.254.169.254'],
    ['::ffff:127.0.0.1', '::ffff:7f00:1'],
  ])('refuses %s as rejectedIdentifier where it is not allowed, and connects to nobody', async (address, host) => {
    const { port, connections } = await opened(listenPlain(answering(keyAuthorization)));
    const settings = { allowedNetworks: [], httpPort: port };
    expect(await outcomeOf('http-01', { of: `ip:${address}`, settings })).toEqual({
      type: 'rejectedIdentifier',
      message: `${host} is in no network that validation may reach; have the policy allow it, or use a challenge that does not connect there`,
    });
    expect(connections()).toBe(0);
  });
});
