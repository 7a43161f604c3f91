/** Messages to a real gateway that are none (RFC 8555 6.2 to 6.5, RFC 7515): each has its problem type, and nothing comes of it. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountKeyOf, newAccountKey } from '../../support/acme/account-key.js';
import type { AcmeClient } from '../../support/acme/client.js';
import { base64url, type FlattenedJws } from '../../support/acme/jws.js';
import { readAccount, readOrderList } from '../../support/acme/objects.js';
import type { SignOptions } from '../../support/acme/session.js';
import { type AcmeFleet, startAcmeFleet } from '../../support/acme-fleet.js';
import { type AcmeRefusal, expectProblem } from '../../support/acme-refusals.js';
import { shortRsaKey } from '../../support/weak-keys.js';

const wish = { identifiers: [{ type: 'dns', value: 'pump-1.plant.example' }] };

let fleet: AcmeFleet;
let client: AcmeClient;
let other: AcmeClient;
let newOrder: string;

beforeAll(async () => {
  fleet = await startAcmeFleet();
  client = await fleet.clientWithAccount('bound', { retriesBadNonce: false });
  other = await fleet.clientWithAccount('bound');
  newOrder = (await client.directory()).newOrder;
});
afterAll(() => fleet.close());

const malformed: AcmeRefusal = { status: 400, type: 'malformed', code: 'malformed-request' };
const badAlgorithm: AcmeRefusal = { status: 400, type: 'badSignatureAlgorithm', code: 'unsupported-algorithm' };
const badKey: AcmeRefusal = { status: 400, type: 'badPublicKey', code: 'unacceptable-key' };
const badSignature: AcmeRefusal = { status: 400, type: 'malformed', code: 'invalid-signature' };
const unauthorized: AcmeRefusal = { status: 403, type: 'unauthorized', code: 'forbidden' };

/** How the message differs from a good one of the account. */
type Change = () => SignOptions;

const changed =
  (change: (jws: FlattenedJws) => unknown): Change =>
  () => ({ message: change });
const header =
  (members: Readonly<Record<string, unknown>>): Change =>
  () => ({ header: members });
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const structures: readonly [string, Change, AcmeRefusal][] = [
  ['nothing', changed(() => ''), malformed],
  ['no JSON', changed(() => 'hello'), malformed],
  ['JSON that is no object', changed((jws) => [jws]), malformed],
  ['octets that are no UTF-8', changed(() => Buffer.from('{"protected":"\xff"}', 'latin1')), malformed],
  ['JSON with twice the same as a prefix', changed((jws) => `${JSON.stringify(jws)}${JSON.stringify(jws)}`), malformed],
  ['deep JSON', changed(() => nested(5000)), malformed],
  ['deep JSON in the header', changed((jws) => ({ ...jws, protected: base64url(nested(5000)) })), malformed],
  ['compact serialization', changed((jws) => Object.values(jws).join('.')), malformed],
  ['general serialization', changed(({ payload, ...one }) => ({ payload, signatures: [one] })), malformed],
  ['several signatures', changed((jws) => ({ ...jws, signatures: [jws] })), malformed],
  ['an unprotected header', changed((jws) => ({ ...jws, header: { alg: 'ES256' } })), malformed],
  ['no payload', changed(({ payload: _, ...jws }) => jws), malformed],
  ['no header', changed(({ protected: _, ...jws }) => jws), malformed],
  ['no signature', changed(({ signature: _, ...jws }) => jws), malformed],
  ['padding', changed((jws) => ({ ...jws, payload: `${jws.payload}=` })), malformed],
  ['plain base64', changed((jws) => ({ ...jws, signature: `+/${jws.signature.slice(2)}` })), malformed],
];

const signatures: readonly [string, Change, AcmeRefusal][] = [
  ['another signature', changed((jws) => ({ ...jws, signature: base64url(Buffer.alloc(64, 1)) })), badSignature],
  ['an empty signature', changed((jws) => ({ ...jws, signature: '' })), badSignature],
  [
    'a short signature',
    changed((jws) => ({ ...jws, signature: base64url(Buffer.from(jws.signature, 'base64url').subarray(0, -3)) })),
    badSignature,
  ],
  ['a changed payload', changed((jws) => ({ ...jws, payload: base64url('{}') })), badSignature],
  ['the key of another account', () => ({ key: { alg: 'ES256', sign: other.key.sign } }), badSignature],
  ['none', () => ({ key: { alg: 'none', sign: () => Buffer.alloc(0) } }), badAlgorithm],
  ['none, with a signature', header({ alg: 'none' }), badAlgorithm],
  ['a MAC', () => ({ key: macByPublicKey('HS256') }), badAlgorithm],
  ['a MAC that calls itself a signature', () => ({ key: macByPublicKey('ES256') }), badSignature],
  ['RS384', header({ alg: 'RS384' }), badAlgorithm],
  ['another algorithm than that of the account', header({ alg: 'RS256' }), badAlgorithm],
];

const headers: readonly [string, Change, AcmeRefusal][] = [
  ['crit', header({ crit: ['b64'], b64: true }), malformed],
  ['an empty crit', header({ crit: [] }), malformed],
  ['b64', header({ b64: false }), malformed],
  ['no alg', header({ alg: undefined }), malformed],
  ['no url', header({ url: undefined }), malformed],
  ['no kid', header({ kid: undefined }), malformed],
  ['kid and jwk', () => ({ header: { jwk: client.key.jwk } }), malformed],
  ['jwk in place of kid', () => ({ identifyBy: 'jwk' }), malformed],
  ['the url of another resource', () => ({ header: { url: `${newOrder}s` } }), unauthorized],
  ['the url of another server', header({ url: 'https://other.example/acme/bound/new-order' }), unauthorized],
  ['the url of another policy', () => ({ header: { url: newOrder.replace('bound', 'web') } }), unauthorized],
  ['a kid that is no URL', header({ kid: 'me' }), malformed],
  ['a kid of another server', header({ kid: 'https://other.example/acme/bound/account/1' }), malformed],
  ['a kid of another policy', () => ({ header: { kid: client.account?.replace('bound', 'web') } }), malformed],
  ['the kid of another account', () => ({ header: { kid: other.account } }), badSignature],
  [
    'the kid of nobody',
    () => ({ header: { kid: `${client.account}0` } }),
    { status: 400, type: 'accountDoesNotExist', code: 'not-found' },
  ],
  ['no media type of JWS', () => ({ headers: { 'content-type': 'application/json' } }), { ...malformed, status: 415 }],
  ['a nonce that is none', header({ nonce: 'not base64url!' }), malformed],
];

describe.each([
  ['the structure', structures],
  ['the signature', signatures],
  ['the header', headers],
])('A message is refused where %s is wrong:', (_, table) => {
  it.each(table)('%s', async (__, change, refusal) => {
    await expectProblem(fleet, () => client.post(newOrder, wish, change()), refusal);
  });

  afterAll(async () => {
    const { orders = '' } = readAccount(await client.updateAccount());
    expect(readOrderList(await client.fetch(orders)).orders).toEqual([]);
  });
});

describe('A payload is refused that is', () => {
  it.each<[string, unknown]>([
    ['no JSON', Buffer.from('hello')],
    ['no object', [wish]],
    ['null', null],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['deep', Buffer.from(nested(5000))],
    ['empty', undefined],
    ['without identifiers', { identifiers: [] }],
    ['of more identifiers than an order may have', { identifiers: Array.from({ length: 101 }, nameOf) }],
    ['with identifiers that are none', { identifiers: ['pump-1.plant.example'] }],
    ['with a time that is none', { ...wish, notAfter: 'tomorrow' }],
    ['with a time that is over', { ...wish, notAfter: '2020-01-01T00:00:00Z' }],
  ])('%s', async (_, payload) => {
    await expectProblem(fleet, () => client.post(newOrder, payload), malformed);
  });

  it('large, before it is read', async () => {
    const refusal = { ...malformed, status: 413 };
    await expectProblem(fleet, () => client.post(newOrder, { ...wish, more: 'x'.repeat(70_000) }), refusal);
  });

  it('a message where there is only something to fetch (RFC 8555 6.3)', async () => {
    await expectProblem(fleet, () => client.post(`${client.account}/orders`, {}), malformed);
  });

  it('for identifiers of unknown types and forms, each with its reason (6.7.1)', async () => {
    const identifiers = [
      { type: 'email', value: 'admin@plant.example' },
      { type: 'dns', value: 'not_a_name' },
      { type: 'dns', value: '127.0.0.1' },
      { type: 'ip', value: 'pump-1.plant.example' },
      { type: 'ip', value: '127.1' },
      { type: 'dns', value: 'pump-1.plant.example' },
    ];
    const compound = { status: 400, type: 'compound', code: 'malformed-request' } as const;
    const { problem } = await expectProblem(fleet, () => client.post(newOrder, { identifiers }), compound);
    expect(problem.subproblems?.map(({ identifier }) => identifier)).toEqual(identifiers.slice(0, 5));
    expect(problem.subproblems?.[0]?.type).toBe('urn:ietf:params:acme:error:unsupportedIdentifier');
  });

  function nameOf(_: unknown, i: number) {
    return { type: 'dns', value: `pump-${i}.plant.example` };
  }
});

describe('A new account is refused for', () => {
  it.each<[string, () => SignOptions, AcmeRefusal]>([
    ['an RSA key of 1024 bits', () => ({ key: accountKeyOf(shortRsaKey().privateKey, 'RS256') }), badKey],
    [
      'a private key',
      () => {
        const key = newAccountKey();
        return { key, header: { jwk: key.privateKey.export({ format: 'jwk' }) } };
      },
      badKey,
    ],
    [
      'a point that is not on the curve',
      () => {
        const key = newAccountKey();
        return { key, header: { jwk: { ...key.jwk, y: key.jwk.x } } };
      },
      badKey,
    ],
    [
      'a key of another algorithm',
      () => ({ key: newAccountKey('ES384'), header: { jwk: newAccountKey().jwk, alg: 'ES384' } }),
      badKey,
    ],
    ['a symmetric key', () => ({ header: { jwk: { kty: 'oct', k: 'AAAA' } } }), badKey],
    ["somebody else's key", () => ({ header: { jwk: other.key.jwk } }), badSignature],
    ['a kid', () => ({ identifyBy: 'kid' }), malformed],
  ])('%s', async (_, change, refusal) => {
    const { newAccount } = await client.directory();
    await expectProblem(fleet, () => client.post(newAccount, {}, { identifyBy: 'jwk', ...change() }), refusal);
  });

  it.each<[string, string]>([
    ['tel:+123456789', 'unsupportedContact'],
    ['mailto:a@plant.example?subject=x', 'invalidContact'],
    ['mailto:a@plant.example,b@plant.example', 'invalidContact'],
  ])('the contact %s: %s', async (contact, type) => {
    const refusal = { status: 400, type, code: 'malformed-request' } as const;
    await expectProblem(fleet, () => fleet.client().newAccount({ contact: [contact] }), refusal);
  });
});

describe('A change of keys is refused with', () => {
  it.each<[string, (newKey: ReturnType<typeof newAccountKey>) => Parameters<AcmeClient['changeKey']>[1], AcmeRefusal]>([
    ['an inner signature by another key', () => ({ signedBy: newAccountKey() }), badSignature],
    ['an inner nonce', () => ({ header: { nonce: 'AAAA' } }), malformed],
    ['an inner url of another resource', () => ({ header: { url: newOrder } }), malformed],
    ['no new key', () => ({ header: { jwk: undefined, kid: client.account } }), malformed],
    ['the account of another', () => ({ payload: { account: other.account } }), malformed],
    ['the old key of another', () => ({ payload: { oldKey: other.key.jwk } }), malformed],
    ['no old key', () => ({ payload: { oldKey: undefined } }), malformed],
  ])('%s (RFC 8555 7.3.5)', async (_, change, refusal) => {
    const { key } = client;
    const newKey = newAccountKey();
    await expectProblem(fleet, () => client.changeKey(newKey, change(newKey)), refusal);
    expect(client.key).toBe(key);
    expect(readAccount(await client.updateAccount()).status).toBe('valid');
  });
});

/** RFC 8725 2.1: the public key, which everybody knows, as the secret of a MAC. */
function macByPublicKey(alg: string) {
  const secret = JSON.stringify(client.key.jwk);
  return { alg, sign: (input: string) => createHmac('sha256', secret).update(input).digest() };
}
