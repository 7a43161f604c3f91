import { hash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DnsServer, startDnsServer } from '../../../support/acme/dns-server.js';
import { impatient, keyAuthorization, outcomeOf } from './validation.js';

const digest = hash('sha256', keyAuthorization, 'base64url');
const record = (...strings: string[]) => ({ type: 'TXT', strings }) as const;
const alias = (target: string) => ({ type: 'CNAME', target }) as const;
const name = '_acme-challenge.device.example';

const open: DnsServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

async function dnsServer(...options: Parameters<typeof startDnsServer>): Promise<DnsServer> {
  const server = await startDnsServer(...options);
  open.push(server);
  return server;
}

const outcomeAt = (server: DnsServer, limits?: typeof impatient) =>
  outcomeOf('dns-01', { of: 'device.example', settings: { resolvers: [server.resolver] }, limits });

describe('dns-01 (RFC 8555 8.4)', () => {
  it.each([
    ['one record', [record(digest)]],
    ['one of several records', [record('v=spf1'), record(digest), record('other')]],
    ['a record of several strings', [record(digest.slice(0, 10), digest.slice(10, 11), digest.slice(11))]],
  ])('is proved by the digest of the key authorization in %s', async (_kind, records) => {
    const server = await dnsServer();
    server.set(name, records);
    expect(await outcomeAt(server)).toBe('valid');
    expect(server.queries()).toEqual([`${name} TXT`]);
  });

  it('proves a wildcard by the name without it', async () => {
    const server = await dnsServer();
    server.set(name, [record(digest)]);
    const settings = { resolvers: [server.resolver] };
    expect(await outcomeOf('dns-01', { of: 'device.example', isWildcard: true, settings })).toBe('valid');
  });

  it.each([
    ['that the server follows', { followsAliases: true }],
    ['that it leaves to the gateway', { followsAliases: false }],
  ])('follows aliases %s', async (_kind, options) => {
    const server = await dnsServer(options);
    server.set(name, [alias('a.validation.example')]);
    server.set('a.validation.example', [alias('b.validation.example')]);
    server.set('b.validation.example', [record(digest)]);
    expect(await outcomeAt(server)).toBe('valid');
  });

  it('follows 8 aliases and not 9, and leaves a loop', async () => {
    const server = await dnsServer({ followsAliases: false });
    server.set(name, [alias('alias1.example')]);
    for (let i = 1; i < 8; i++) server.set(`alias${i}.example`, [alias(`alias${i + 1}.example`)]);
    server.set('alias8.example', [record(digest)]);
    expect(await outcomeAt(server)).toBe('valid');
    server.set('alias8.example', [alias('alias9.example')]);
    server.set('alias9.example', [record(digest)]);
    const tooMany = {
      type: 'dns',
      message: `${name} is an alias of an alias more than 8 times; shorten the chain`,
    };
    expect(await outcomeAt(server)).toEqual(tooMany);
    server.set('alias1.example', [alias(name)]);
    expect(await outcomeAt(server)).toEqual(tooMany);
  });

  it('is refused as dns where there is no record, nor an alias that leads to one', async () => {
    const server = await dnsServer({ followsAliases: false });
    const missing = {
      type: 'dns',
      message: `there is no TXT record at ${name}; add it, and wait until all its name servers have it`,
    };
    expect(await outcomeAt(server)).toEqual(missing);
    server.set(name, [{ type: 'A', address: '127.0.0.1' }]);
    expect(await outcomeAt(server)).toEqual(missing);
    server.set(name, [alias('nothing.example')]);
    expect(await outcomeAt(server)).toEqual(missing);
  });

  it('is refused as incorrectResponse where the records are others, and repeats none', async () => {
    const server = await dnsServer();
    server.set(name, [record('secret')]);
    expect(await outcomeAt(server)).toEqual({
      type: 'incorrectResponse',
      message: `the TXT record at ${name} is not the digest of the key authorization; add the one for this challenge`,
    });
    server.set(name, [record('secret'), record(`${digest}=`), record(digest.toUpperCase()), record(` ${digest}`)]);
    expect(await outcomeAt(server)).toEqual({
      type: 'incorrectResponse',
      message: `none of the 4 TXT records at ${name} is the digest of the key authorization; add the one for this challenge`,
    });
  });

  it.each([
    ['fails', 'servfail', 'the DNS server failed'],
    ['is silent', 'silence', 'no DNS server answered in time'],
  ] as const)('is refused as dns where the server %s', async (_kind, answer, words) => {
    const server = await dnsServer();
    server.set(name, answer);
    expect(await outcomeAt(server, impatient)).toEqual({
      type: 'dns',
      message: `no TXT records of ${name}: ${words}; see to its name servers, and try again`,
    });
  });

  it('is refused as dns where nobody listens at the resolver', async () => {
    const server = await startDnsServer();
    await server.close();
    const { resolver } = server;
    const outcome = await outcomeOf('dns-01', { of: 'device.example', settings: { resolvers: [resolver] } });
    expect(outcome).toMatchObject({ type: 'dns' });
  });

  it('asks the next resolver where one is silent, over IPv6 too', async () => {
    const [silent, good] = [await dnsServer(), await dnsServer({ host: '::1' })];
    silent.set(name, 'silence');
    good.set(name, [record(digest)]);
    const settings = { resolvers: [silent.resolver, good.resolver] };
    expect(await outcomeOf('dns-01', { of: 'device.example', settings })).toBe('valid');
  });

  it('is refused for a name that has no place left for the label', async () => {
    const server = await dnsServer();
    const settings = { resolvers: [server.resolver] };
    const labels = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}`;
    const longest = `${labels}.${'d'.repeat(253 - 16 - 192)}`;
    server.set(`_acme-challenge.${longest}`, [record(digest)]);
    expect(await outcomeOf('dns-01', { of: longest, settings })).toBe('valid');
    expect(await outcomeOf('dns-01', { of: `${longest}d`, settings })).toEqual({
      type: 'dns',
      message: `_acme-challenge.${longest}d is longer than a name can be; use another challenge`,
    });
  });

  it('proves no address (RFC 8738 7)', async () => {
    expect(await outcomeOf('dns-01', { of: 'ip:127.0.0.1', settings: {} })).toEqual({
      type: 'rejectedIdentifier',
      message: 'dns-01 proves names only; use another challenge for 127.0.0.1',
    });
  });
});
