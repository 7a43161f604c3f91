import { afterEach, describe, expect, it } from '@jest/globals';
import { listenPlain } from '../../../src/outbound/local-server.js';
import { startDnsServer } from '../../../support/acme/dns-server.js';
import { startHttpResponder } from '../../../support/acme/http-responder.js';
import { a, aaaa, closeOpened, dnsWith, opened, redirectingTo } from './http-targets.js';
import { impatient, keyAuthorization, outcomeOf, token } from './validation.js';

afterEach(closeOpened);

describe('the addresses of a name', () => {
  it('are those of the hosts file where no resolver is set', async () => {
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    expect(await outcomeOf('http-01', { of: 'localhost', settings: { httpPort: server.port } })).toBe('valid');
  });

  it('are those of the resolvers only where some are set', async () => {
    const { resolver } = await dnsWith({});
    const settings = { resolvers: [resolver] };
    expect(await outcomeOf('http-01', { of: 'localhost', settings })).toEqual({
      type: 'dns',
      message: 'localhost has no address; add an A or AAAA record to the DNS',
    });
  });

  it('are found through aliases, those that the server leaves to the gateway too', async () => {
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const dns = await opened(startDnsServer({ followsAliases: false }));
    dns.set('device.example', [{ type: 'CNAME', target: 'host.example' }]);
    dns.set('host.example', [a('127.0.0.1')]);
    const settings = { resolvers: [dns.resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
  });

  it('are IPv6 first, then IPv4', async () => {
    const { resolver } = await dnsWith({ 'device.example': [[a('127.0.0.1'), aaaa('::1')]] });
    const ipv6 = await opened(startHttpResponder('::1'));
    ipv6.put(token, keyAuthorization);
    const ipv4 = await opened(startHttpResponder());
    ipv4.put(token, keyAuthorization);
    const settingsOf = (httpPort: number) => ({ resolvers: [resolver], httpPort });
    expect(await outcomeOf('http-01', { of: 'device.example', settings: settingsOf(ipv6.port) })).toBe('valid');
    // Nobody listens at that port over IPv6.
    expect(await outcomeOf('http-01', { of: 'device.example', settings: settingsOf(ipv4.port) })).toBe('valid');
    expect([ipv6.requests().length, ipv4.requests().length]).toEqual([1, 1]);
  });

  it('are good where one family is, though the DNS server fails for the other', async () => {
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const answers = { 'device.example': [[a('127.0.0.1')]], 'device.example AAAA': ['servfail'] } as const;
    const { resolver } = await dnsWith(answers);
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
  });

  it('end in dns where the DNS server fails', async () => {
    const { resolver } = await dnsWith({ 'device.example': ['servfail'] });
    expect(await outcomeOf('http-01', { of: 'device.example', settings: { resolvers: [resolver] } })).toEqual({
      type: 'dns',
      message: 'no AAAA records of device.example: the DNS server failed; see to its name servers, and try again',
    });
  });

  it('are tried only where they are permitted', async () => {
    const addresses = [a('169.254.169.254'), a('127.0.0.2'), a('127.0.0.1'), aaaa('fe80::1')];
    const { resolver } = await dnsWith({ 'device.example': [addresses] });
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
    const denied = { ...settings, deniedNetworks: ['127.0.0.1'] };
    expect(await outcomeOf('http-01', { of: 'device.example', settings: denied })).toMatchObject({
      type: 'connection',
    });
    expect(server.requests()).toHaveLength(1);
  });

  it('end in rejectedIdentifier where none is permitted, and are not told', async () => {
    const { resolver } = await dnsWith({ 'device.example': [[a('169.254.169.254'), aaaa('fe80::1')]] });
    expect(await outcomeOf('http-01', { of: 'device.example', settings: { resolvers: [resolver] } })).toEqual({
      type: 'rejectedIdentifier',
      message:
        'device.example is in no network that validation may reach; have the policy allow it, or use a challenge that does not connect there',
    });
  });

  it('are asked for once, so that the one that was checked is connected to', async () => {
    const { resolver, queries } = await dnsWith({
      'device.example': [[a('127.0.0.1')], [a('169.254.169.254')], [a('127.0.0.9')]],
    });
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toBe('valid');
    expect([...queries()].sort()).toEqual(['device.example A', 'device.example AAAA']);
  });

  it('are checked again at every redirect, when the name has moved', async () => {
    const { resolver } = await dnsWith({ 'device.example': [[a('127.0.0.1')], [a('169.254.169.254')]] });
    const { port, connections } = await opened(listenPlain(redirectingTo('/elsewhere')));
    const settings = { resolvers: [resolver], httpPort: port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toEqual({
      type: 'connection',
      message: expect.stringMatching(/^after a redirect: device.example is in no network that validation may reach; /),
    });
    expect(connections()).toBe(1);
  });

  it('are no more than a few: a name cannot have the gateway try a network', async () => {
    const many = Array.from({ length: 20 }, (_, i) => a(`127.0.1.${i}`));
    const { resolver } = await dnsWith({ 'device.example': [[...many, a('127.0.0.1')]] });
    const server = await opened(startHttpResponder());
    server.put(token, keyAuthorization);
    const settings = { resolvers: [resolver], httpPort: server.port };
    expect(await outcomeOf('http-01', { of: 'device.example', settings })).toMatchObject({ type: 'connection' });
    expect(server.requests()).toEqual([]);
  });

  it('end in dns where the server is silent', async () => {
    const { resolver } = await dnsWith({ 'device.example': ['silence'] });
    expect(
      await outcomeOf('http-01', { of: 'device.example', settings: { resolvers: [resolver] }, limits: impatient }),
    ).toEqual({
      type: 'dns',
      message:
        'no AAAA records of device.example: no DNS server answered in time; see to its name servers, and try again',
    });
  });

  it('end with the attempt in connection where its time is over before', async () => {
    const { resolver } = await dnsWith({ 'device.example': ['silence'] });
    const limits = { ...impatient, attemptMilliseconds: 100 };
    expect(await outcomeOf('http-01', { of: 'device.example', settings: { resolvers: [resolver] }, limits })).toEqual({
      type: 'connection',
      message:
        'the validation of device.example took longer than 0.1 s; see that every server on the way answers at once',
    });
  });
});
