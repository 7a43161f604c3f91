/** Whatever strangers and account holders send to a real gateway: it is answered, and by no failure of the gateway. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AcmeClient } from '../../support/acme/client.js';
import { base64url } from '../../support/acme/jws.js';
import { readAuthorization, readOrder, readProblem } from '../../support/acme/objects.js';
import type { AcmeAnswer } from '../../support/acme/transport.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { countRecords, eventsOf } from '../../support/records.js';

const numRuns = 60;

let fleet: AcmeFleet;
let client: AcmeClient;
/** Of resources that messages go to, by name. */
let urls: Record<string, string>;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  client = await fleet.clientWithAccount('both');
  const { newAccount, newOrder, newAuthz = '', revokeCert, keyChange, newNonce } = await client.directory();
  const made = await client.newOrder({ identifiers: ['pump-1.plant.example'] });
  const { finalize, authorizations } = readOrder(made);
  const [authorization = ''] = authorizations;
  const [challenge] = readAuthorization(await client.fetch(authorization)).challenges;
  const account = client.account ?? '';
  const order = made.location ?? '';
  const certificate = order.replace('/order/', '/certificate/');
  const all = { newAccount, newOrder, newAuthz, revokeCert, keyChange, newNonce, account, order, certificate };
  urls = { ...all, finalize, authorization, challenge: challenge?.url ?? '', orders: `${account}/orders` };
});
afterAll(() => fleet.close());

/** Not what breaks the account for the runs that follow. */
const isHarmless = (payload: unknown) => !JSON.stringify(payload ?? null).includes('deactivated');

function expectAnswered(answer: AcmeAnswer): void {
  expect(answer.status).toBeLessThan(500);
  if (answer.status < 400) return;
  const problem = readProblem(answer);
  expect(problem.status).toBe(answer.status);
  expect(problem.type).toMatch(/^urn:ietf:params:acme:error:[a-zA-Z]+$/);
  expect(problem.type).not.toContain('serverInternal');
}

const resource = fc.constantFrom(
  'newAccount',
  'newOrder',
  'newAuthz',
  'revokeCert',
  'keyChange',
  'finalize',
  'account',
);
const anyResource = fc.oneof(
  resource,
  fc.constantFrom('order', 'certificate', 'authorization', 'challenge', 'orders', 'newNonce'),
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '',
    '..',
    '*',
    '*.',
    'a'.repeat(5000),
    '%00',
    'http://[',
    '__proto__',
    '9'.repeat(400),
    '\u0000',
    '\ud800',
  ),
  fc.domain(),
  fc.uint8Array({ maxLength: 80 }).map((octets) => base64url(octets)),
);
const anything = fc.oneof(text, fc.jsonValue({ maxDepth: 4 }), fc.bigInt().map(Number));
const identifier = fc.record({
  type: fc.oneof(fc.constantFrom('dns', 'ip', 'permanent-identifier', 'hardware-module'), text),
  value: text,
});

/** Members that resources know, with values that they may not expect. */
const payload = fc.record(
  {
    identifiers: fc.oneof(fc.array(identifier, { maxLength: 4 }), anything),
    identifier: fc.oneof(identifier, anything),
    notBefore: fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toJSON()),
      anything,
    ),
    notAfter: anything,
    profile: anything,
    replaces: fc.oneof(
      fc.tuple(text, text).map((parts) => parts.join('.')),
      anything,
    ),
    contact: fc.oneof(fc.array(text, { maxLength: 3 }), anything),
    status: anything,
    onlyReturnExisting: anything,
    termsOfServiceAgreed: anything,
    externalAccountBinding: fc.oneof(fc.record({ protected: text, payload: text, signature: text }), anything),
    certificate: anything,
    reason: anything,
    csr: anything,
    attObj: anything,
    protected: text,
    payload: text,
    signature: text,
    account: anything,
    oldKey: anything,
  },
  { requiredKeys: [] },
);

describe('A gateway answers by problem documents alone', () => {
  it('octets', async () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.json().map((json) => Buffer.from(json)),
    );
    await check(fc.tuple(anyResource, octets), ([where, body]) => send(where, body));
  });

  it('objects that look like a JWS', async () => {
    const header = fc.oneof(
      fc.json(),
      fc.record({ alg: text, nonce: text, url: text, kid: text, jwk: anything }).map((each) => JSON.stringify(each)),
    );
    const part = fc.oneof(
      text,
      header.map((json) => base64url(json)),
    );
    const jws = fc.record({ protected: part, payload: part, signature: part, header: anything }, { requiredKeys: [] });
    await check(fc.tuple(anyResource, jws), ([where, body]) => send(where, JSON.stringify(body)));
  });

  it('good messages with any header', async () => {
    const member = fc.constantFrom('alg', 'nonce', 'url', 'kid', 'jwk', 'crit', 'b64', 'zip', 'x5c', 'toString');
    const header = fc.dictionary(member, anything, { maxKeys: 3 });
    await check(fc.tuple(anyResource, header), ([where, members]) =>
      client.post(urls[where] ?? '', {}, { header: members }),
    );
  });

  it('keys of any kind', async () => {
    const jwk = fc.record(
      {
        kty: fc.oneof(fc.constantFrom('EC', 'RSA', 'OKP', 'oct'), text),
        crv: fc.oneof(fc.constantFrom('P-256', 'Ed25519'), text),
        x: text,
        y: text,
        n: text,
        e: text,
        d: text,
      },
      { requiredKeys: ['kty'] },
    );
    await check(jwk, (key) => client.post(urls.newAccount ?? '', {}, { identifyBy: 'jwk', header: { jwk: key } }));
  });

  it('good messages with payloads of any kind', async () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json)),
    );
    await check(fc.tuple(anyResource, octets), ([where, body]) =>
      client.post(urls[where] ?? '', body, where === 'newAccount' ? { identifyBy: 'jwk' } : {}),
    );
  });

  it('good messages with members that it knows', async () => {
    await check(fc.tuple(resource, payload.filter(isHarmless)), ([where, body]) =>
      client.post(urls[where] ?? '', body, where === 'newAccount' ? { identifyBy: 'jwk' } : {}),
    );
  }, 60_000);

  it('paths and queries', async () => {
    const part = text.map((each) => encodeURIComponent(each.replace(/\p{Surrogate}/gu, '')));
    const place = fc.constantFrom('order', 'authorization', 'account', 'certificate', 'challenge/1', 'renewal-info');
    const id = part.filter((each) => !/^\.*$/.test(each));
    await check(fc.tuple(place, id, part), ([where, last, query]) => {
      const base = fleet.directoryOf('both').replace('directory', where);
      const url = `${base}/${last}${query === '' ? '' : `?after=${query}`}`;
      return where === 'renewal-info' ? client.send(url) : client.fetch(url);
    });
  });

  afterAll(async () => {
    expect((await countRecords(fleet.test)).certificates).toBe(0);
    const refusals = await eventsOf(fleet.test, 'request.refused');
    expect(refusals.filter(({ content }) => content.includes('"code":"internal"'))).toEqual([]);
    expect((await client.updateAccount()).status).toBe(200);
  });

  const check = <T>(arbitrary: fc.Arbitrary<T>, ask: (value: T) => Promise<AcmeAnswer>) =>
    fc.assert(
      fc.asyncProperty(arbitrary, async (value) => expectAnswered(await ask(value))),
      { numRuns },
    );

  const send = (where: string, body: Uint8Array | string) =>
    client.send(urls[where] ?? '', { method: 'POST', headers: { 'content-type': 'application/jose+json' }, body });
});
