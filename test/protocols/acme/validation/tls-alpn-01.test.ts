import { afterEach, describe, expect, it } from '@jest/globals';
import { listenTcp } from '../../../src/outbound/local-server.js';
import { startDnsServer } from '../../../support/acme/dns-server.js';
import {
  acmeIdentifierFor,
  makeTlsAlpnCertificate,
  startTlsAlpnResponder,
} from '../../../support/acme/tls-alpn-responder.js';
import { impatient, keyAuthorization, outcomeOf } from './validation.js';

const open: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function opened<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

/** The resolver of a DNS server that has device.example at loopback. */
async function resolverOfDevice(): Promise<string> {
  const server = await opened(startDnsServer());
  server.set('device.example', [{ type: 'A', address: '127.0.0.1' }]);
  return server.resolver;
}

async function outcomeAt(port: number, of = 'device.example', limits?: typeof impatient) {
  const settings = { resolvers: [await resolverOfDevice()], tlsPort: port };
  return await outcomeOf('tls-alpn-01', { of, settings, limits });
}

const good = makeTlsAlpnCertificate(['dns:device.example'], keyAuthorization);

describe('tls-alpn-01 (RFC 8737 3)', () => {
  it('takes a certificate for the name alone with the digest of the key authorization', async () => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', good);
    expect(await outcomeAt(server.port)).toBe('valid');
    expect(server.serverNames()).toEqual(['device.example']);
  });

  it('compares names in any case', async () => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', makeTlsAlpnCertificate(['dns:Device.EXAMPLE'], keyAuthorization));
    expect(await outcomeAt(server.port)).toBe('valid');
  });

  it('takes TLS 1.2, and nothing older (section 4)', async () => {
    const server = await opened(startTlsAlpnResponder({ maxVersion: 'TLSv1.2' }));
    server.put('device.example', good);
    expect(await outcomeAt(server.port)).toBe('valid');
    const old = await opened(startTlsAlpnResponder({ maxVersion: 'TLSv1.1' }));
    old.put('device.example', good);
    expect(await outcomeAt(old.port)).toMatchObject({ type: 'tls' });
  });

  const other = acmeIdentifierFor('another key authorization');
  const right = acmeIdentifierFor(keyAuthorization);
  const short = { ...right, value: Uint8Array.of(4, 31, ...right.value.subarray(2, 33)) };
  const bare = { ...right, value: right.value.subarray(2) };
  const long = { ...right, value: Uint8Array.of(...right.value, 0) };
  const notDigest = 'the acmeIdentifier of its certificate is not the digest of the key authorization';
  const notAlone = 'its certificate is not for device.example alone';
  const dns = ['dns:device.example'];
  it.each([
    ['another key authorization', dns, other, notDigest],
    ['a digest too short', dns, short, notDigest],
    ['a digest that is no OCTET STRING', dns, bare, notDigest],
    ['a digest with bytes behind it', dns, long, notDigest],
    [
      'an acmeIdentifier that is not critical',
      dns,
      acmeIdentifierFor(keyAuthorization, false),
      'the acmeIdentifier of its certificate is not critical',
    ],
    ['no acmeIdentifier', dns, null, 'its certificate has no acmeIdentifier'],
    ['no name', [], right, notAlone],
    ['another name', ['dns:other.example'], right, notAlone],
    ['a name below it', ['dns:a.device.example'], right, notAlone],
    ['a wildcard', ['dns:*.example'], right, notAlone],
    ['another name as well', ['dns:device.example', 'dns:other.example'], right, notAlone],
    ['the name twice', ['dns:device.example', 'dns:device.example'], right, notAlone],
    ['an address as well', ['dns:device.example', 'ip:7f000001'], right, notAlone],
    ['the name of another kind', ['email:device.example'], right, notAlone],
  ])('refuses a certificate with %s as incorrectResponse', async (_kind, names, acmeIdentifier, words) => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', makeTlsAlpnCertificate(names, keyAuthorization, acmeIdentifier));
    expect(await outcomeAt(server.port)).toEqual({
      type: 'incorrectResponse',
      message: `the tls-alpn-01 challenge of device.example was answered on port ${server.port}, but ${words}; answer acme-tls/1 with the certificate of this challenge`,
    });
  });

  it('refuses a server that chooses no protocol as incorrectResponse', async () => {
    const server = await opened(startTlsAlpnResponder({ protocols: [] }));
    server.put('device.example', good);
    expect(await outcomeAt(server.port)).toEqual({
      type: 'incorrectResponse',
      message: `the tls-alpn-01 challenge of device.example was answered on port ${server.port}, but it did not choose acme-tls/1; answer acme-tls/1 with the certificate of this challenge`,
    });
  });

  it.each([
    ['speaks other protocols only', () => startTlsAlpnResponder({ protocols: ['http/1.1'] })],
    ['has no certificate for the name', () => startTlsAlpnResponder()],
    ['speaks no TLS', () => listenTcp((socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'))],
    ['hangs up', () => listenTcp((socket) => void socket.once('data', () => socket.destroy()))],
  ])('refuses a server that %s as tls', async (_kind, start) => {
    const { port } = await opened<{ port: number; close(): Promise<void> }>(start());
    expect(await outcomeAt(port)).toEqual({
      type: 'tls',
      message: expect.stringMatching(
        new RegExp(`^no TLS connection with device.example:${port}: [A-Z0-9_]+; answer acme-tls/1 on port ${port}$`),
      ),
    });
  });

  it('refuses a server that never answers as connection, and hangs up', async () => {
    const closed: Promise<void>[] = [];
    const { port } = await opened(
      listenTcp((socket) => {
        socket.resume();
        closed.push(new Promise((done) => socket.once('close', () => done())));
      }),
    );
    expect(await outcomeAt(port, 'device.example', impatient)).toEqual({
      type: 'connection',
      message: `device.example:${port} gave no whole answer within 0.4 s; answer acme-tls/1 on port ${port}`,
    });
    expect(closed).toHaveLength(1);
    await Promise.all(closed);
  });

  it('refuses a port where nobody listens as connection', async () => {
    const server = await startTlsAlpnResponder();
    await server.close();
    expect(await outcomeAt(server.port)).toEqual({
      type: 'connection',
      message: `no answer from device.example:${server.port}: ECONNREFUSED; answer acme-tls/1 on port ${server.port}`,
    });
  });

  it('refuses a forbidden address as rejectedIdentifier, and connects to nobody', async () => {
    const server = await opened(startTlsAlpnResponder());
    server.put('device.example', good);
    const settings = { resolvers: [await resolverOfDevice()], tlsPort: server.port, allowedNetworks: [] };
    expect(await outcomeOf('tls-alpn-01', { of: 'device.example', settings })).toMatchObject({
      type: 'rejectedIdentifier',
    });
    expect(server.serverNames()).toEqual([]);
  });

  it('proves no wildcard', async () => {
    expect(await outcomeOf('tls-alpn-01', { of: 'device.example', isWildcard: true, settings: {} })).toEqual({
      type: 'rejectedIdentifier',
      message: 'tls-alpn-01 proves one name only; use dns-01 for *.device.example',
    });
  });
});

describe('tls-alpn-01 for addresses (RFC 8738 6)', () => {
  const loopback6 = `${'00'.repeat(15)}01`;
  it.each([
    ['127.0.0.1', 'ip:7f000001', '1.0.0.127.in-addr.arpa'],
    ['::1', `ip:${loopback6}`, `1.${'0.'.repeat(31)}ip6.arpa`],
  ])('asks %s for its reverse name, and takes a certificate for the address', async (address, name, serverName) => {
    const server = await opened(startTlsAlpnResponder({ host: address }));
    server.put(serverName, makeTlsAlpnCertificate([name], keyAuthorization));
    expect(await outcomeAt(server.port, `ip:${address}`)).toBe('valid');
    expect(server.serverNames()).toEqual([serverName]);
  });

  it.each([
    ['another address', 'ip:7f000002'],
    ['the address as a name', 'dns:127.0.0.1'],
    ['the reverse name', 'dns:1.0.0.127.in-addr.arpa'],
    ['the mapped address', `ip:${'00'.repeat(10)}ffff7f000001`],
  ])('refuses a certificate for %s', async (_kind, name) => {
    const server = await opened(startTlsAlpnResponder());
    server.put('1.0.0.127.in-addr.arpa', makeTlsAlpnCertificate([name], keyAuthorization));
    expect(await outcomeAt(server.port, 'ip:127.0.0.1')).toMatchObject({ type: 'incorrectResponse' });
  });
});
