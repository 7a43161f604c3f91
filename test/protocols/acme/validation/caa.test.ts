import { hash } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DnsAnswer, type DnsServer, startDnsServer } from '../../../support/acme/dns-server.js';
import { accountUrl, impatient, keyAuthorization, outcomeOf } from './validation.js';

const open: DnsServer[] = [];
afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));

const caa = (tag: string, value: string, flags = 0) => ({ type: 'CAA', flags, tag, value }) as const;

/** A DNS server with these answers, where a.device.example has proved dns-01. */
async function dnsWith(
  zone: Readonly<Record<string, DnsAnswer>>,
  options: Parameters<typeof startDnsServer>[0] = {},
): Promise<DnsServer> {
  const server = await startDnsServer(options);
  open.push(server);
  const digest = hash('sha256', keyAuthorization, 'base64url');
  server.set('_acme-challenge.a.device.example', [{ type: 'TXT', strings: [digest] }]);
  for (const [name, answer] of Object.entries(zone)) server.set(name, answer);
  return server;
}

async function outcomeWith(
  zone: Readonly<Record<string, DnsAnswer>>,
  more: { isWildcard?: boolean; limits?: typeof impatient } = {},
) {
  const { resolver } = await dnsWith(zone);
  const settings = { resolvers: [resolver], caaIdentities: ['ca.example', 'gatehouse.example'] };
  return await outcomeOf('dns-01', { of: 'a.device.example', settings, ...more });
}

const forbidden = (owner: string, kind = 'issue') => ({
  type: 'caa',
  message: `the CAA records of ${owner} do not let this CA issue to this account by dns-01; add one of kind ${kind} for ca.example or gatehouse.example`,
});

describe('CAA records (RFC 8659)', () => {
  it('are not asked for where the policy has no identity', async () => {
    const server = await dnsWith({ 'a.device.example': [caa('issue', ';')] });
    expect(await outcomeOf('dns-01', { of: 'a.device.example', settings: { resolvers: [server.resolver] } })).toBe(
      'valid',
    );
    expect(server.queries()).toEqual(['_acme-challenge.a.device.example TXT']);
  });

  it('forbid nothing where there are none, up to the top (3)', async () => {
    const server = await dnsWith({});
    const settings = { resolvers: [server.resolver], caaIdentities: ['ca.example'] };
    expect(await outcomeOf('dns-01', { of: 'a.device.example', settings })).toBe('valid');
    expect(server.queries().filter((query) => query.endsWith('CAA'))).toEqual([
      'a.device.example CAA',
      'device.example CAA',
      'example CAA',
    ]);
  });

  it.each([
    'ca.example',
    'gatehouse.example',
    '  CA.Example  ',
    'ca.example;',
    'ca.example ; ',
    'ca.example; tag=value; other=',
  ])('let a CA issue that they name: %j', async (value) => {
    expect(await outcomeWith({ 'a.device.example': [caa('issue', 'other.example'), caa('ISSUE', value)] })).toBe(
      'valid',
    );
  });

  it.each([
    ';',
    'other.example',
    'a.ca.example',
    'example',
    'ca.example.',
    'ca.example other.example',
    'ca.example; no parameter',
    'ca.example; a=b; ',
    'ca.example; a=b c',
    'ca.example; a b=c',
    'ca.example\u00e9',
  ])('forbid where no value lets this CA issue: %j (4.2)', async (value) => {
    expect(await outcomeWith({ 'a.device.example': [caa('issue', value)] })).toEqual(forbidden('a.device.example'));
  });

  it('are those of the nearest domain above that has any (3)', async () => {
    const allowing = [caa('issue', 'ca.example')];
    const other = [caa('issue', 'other.example')];
    expect(await outcomeWith({ 'device.example': other })).toEqual(forbidden('device.example'));
    expect(await outcomeWith({ example: other })).toEqual(forbidden('example'));
    expect(await outcomeWith({ 'a.device.example': allowing, 'device.example': other })).toBe('valid');
    expect(await outcomeWith({ 'a.device.example': other, 'device.example': allowing })).toEqual(
      forbidden('a.device.example'),
    );
    // Records of other kinds end the search too.
    expect(await outcomeWith({ 'a.device.example': [caa('iodef', 'mailto:a@b.example')], example: other })).toBe(
      'valid',
    );
  });

  it.each([
    ['that the server follows', true],
    ['that it leaves to the gateway', false],
  ])('are found through aliases %s', async (_kind, followsAliases) => {
    const { resolver } = await dnsWith(
      {
        'a.device.example': [{ type: 'CNAME', target: 'b.elsewhere.test' }],
        'b.elsewhere.test': [caa('issue', 'other.example')],
      },
      { followsAliases },
    );
    const settings = { resolvers: [resolver], caaIdentities: ['ca.example', 'gatehouse.example'] };
    expect(await outcomeOf('dns-01', { of: 'a.device.example', settings })).toEqual(forbidden('a.device.example'));
  });

  it('are looked for above the name, not above its alias (3)', async () => {
    const alias = [{ type: 'CNAME', target: 'b.elsewhere.test' }] as const;
    const other = [caa('issue', 'other.example')];
    const leaf = { 'a.device.example': alias, 'b.elsewhere.test': [] };
    expect(await outcomeWith({ ...leaf, 'elsewhere.test': other })).toBe('valid');
    expect(await outcomeWith({ ...leaf, 'device.example': other })).toEqual(forbidden('device.example'));
  });

  it('of kind issuewild count for wildcards only, and there in place of issue (4.3)', async () => {
    const [name, wild] = ['issue', 'issuewild'].map((tag) => caa(tag, 'ca.example'));
    const [noName, noWild] = ['issue', 'issuewild'].map((tag) => caa(tag, ';'));
    const outcomes = async (...records: readonly (typeof name | undefined)[]) => {
      const zone = { 'a.device.example': records.filter((record) => record !== undefined) };
      return [await outcomeWith(zone), await outcomeWith(zone, { isWildcard: true })];
    };
    const [refused, refusedWild] = [forbidden('a.device.example'), forbidden('a.device.example', 'issuewild or issue')];
    expect(await outcomes(name)).toEqual(['valid', 'valid']);
    expect(await outcomes(noName)).toEqual([refused, refusedWild]);
    expect(await outcomes(name, noWild)).toEqual(['valid', refusedWild]);
    expect(await outcomes(noName, wild)).toEqual([refused, 'valid']);
    expect(await outcomes(noWild)).toEqual(['valid', refusedWild]);
  });

  it('forbid when one is critical and of a kind that is not known (4.1)', async () => {
    const allowing = caa('issue', 'ca.example', 128);
    const at = async (tag: string, flags: number) =>
      await outcomeWith({
        'a.device.example': [allowing, caa('iodef', 'mailto:a@b.example', 128), caa(tag, 'x', flags)],
      });
    const refused = {
      type: 'caa',
      message:
        'a CAA record of a.device.example is critical and of a kind that is not known here; take it away, or its flag',
    };
    expect(await at('unknown', 128)).toEqual(refused);
    expect(await at('unknown', 129)).toEqual(refused);
    expect(await at('unknown', 0)).toBe('valid');
    // Bits other than the first have no meaning.
    expect(await at('unknown', 1)).toBe('valid');
    // Their flags cannot be read.
    expect(await at('critical', 0)).toEqual(refused);
    expect(await at('__proto__', 128)).toEqual(refused);
  });

  it.each([
    ['fails', 'servfail', 'the DNS server failed'],
    ['is silent', 'silence', 'no DNS server answered in time'],
  ] as const)('forbid as dns when the server %s, at whatever level', async (_kind, answer, words) => {
    for (const name of ['a.device.example', 'device.example', 'example']) {
      expect(await outcomeWith({ [name]: answer }, { limits: impatient })).toEqual({
        type: 'dns',
        message: `no CAA records of ${name}: ${words}; see to its name servers, and try again`,
      });
    }
  });

  it('forbid as dns when they are malformed', async () => {
    expect(await outcomeWith({ 'a.device.example': [caa('', 'ca.example')] })).toEqual({
      type: 'dns',
      message: 'no CAA records of a.device.example: the answer is malformed; see to its name servers, and try again',
    });
  });

  it('are not asked for where the challenge has failed, nor for addresses', async () => {
    const server = await dnsWith({});
    const settings = { resolvers: [server.resolver], caaIdentities: ['ca.example'], tlsPort: 1, httpPort: 1 };
    await outcomeOf('dns-01', { of: 'b.device.example', settings });
    await outcomeOf('http-01', { of: 'ip:127.0.0.1', settings });
    expect(server.queries().filter((query) => query.endsWith('CAA'))).toEqual([]);
  });
});

describe('parameters of CAA records (RFC 8657)', () => {
  const outcomeOfValue = (value: string) => outcomeWith({ 'a.device.example': [caa('issue', `ca.example; ${value}`)] });

  it.each([
    `accounturi=${accountUrl}`,
    `AccountURI = ${accountUrl}`,
    'validationmethods=dns-01',
    'validationmethods=http-01,dns-01',
    `accounturi=${accountUrl}; validationmethods=dns-01,unknown`,
  ])('let the account and the method issue that they name: %s', async (value) => {
    expect(await outcomeOfValue(value)).toBe('valid');
  });

  it.each([
    `accounturi=${accountUrl}1`,
    `accounturi=${accountUrl.toUpperCase()}`,
    'accounturi=',
    `accounturi=${accountUrl}; accounturi=${accountUrl}`,
    `accounturi=${accountUrl}; accounturi=https://other.example/1`,
    'validationmethods=http-01',
    'validationmethods=',
    'validationmethods=dns-01x',
    'validationmethods=dns-01; validationmethods=dns-01',
    `accounturi=${accountUrl}; validationmethods=http-01,tls-alpn-01`,
  ])('let nobody else: %s', async (value) => {
    expect(await outcomeOfValue(value)).toEqual(forbidden('a.device.example'));
  });

  it('are those of one record: another may let issue without', async () => {
    const records = [caa('issue', 'ca.example; validationmethods=http-01'), caa('issue', 'gatehouse.example')];
    expect(await outcomeWith({ 'a.device.example': records })).toBe('valid');
  });
});
