import { describe, expect, it } from '@jest/globals';
import {
  type Account,
  type AcmeGateway,
  acmeOnOneStore,
  base,
  flipped,
  jsonOf,
  problemOf,
  refusalOf,
} from './acme-gateway.js';
import { type Jws, makeJws, makeSigner, makeWeakSigner, type Signer } from './signer.js';

const withAcme = acmeOnOneStore();
const url = `${base}/key-change`;

/** What the new key signs. */
function innerJws(account: Account, newKey: Signer, header: object = {}, change: object = {}): Jws {
  const payload = { account: account.url, oldKey: account.signer.jwk, ...change };
  return makeJws(newKey, { url, jwk: newKey.jwk, ...header }, payload);
}

const askWith = (acme: AcmeGateway, signer: Signer, { url: kid, path }: Account) =>
  acme.ask(signer, path, undefined, { kid });

describe('keyChange (RFC 8555 7.3.5)', () => {
  it.each(['ES256', 'ES384', 'RS256', 'EdDSA'] as const)('gives the account a new key for %s', (algorithm) =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({ contact: ['mailto:admin@example.org'] });
      const newKey = makeSigner(algorithm);
      const reply = await account.ask('key-change', innerJws(account, newKey));
      expect(reply.status).toBe(200);
      expect(jsonOf(reply)).toMatchObject({ status: 'valid', contact: ['mailto:admin@example.org'] });
      expect(acme.events).toMatchObject([{ action: 'account.key-changed', outcome: 'success' }]);
      expect((await askWith(acme, newKey, account)).status).toBe(200);
    }),
  );

  it('ends the old key at once', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      const newKey = makeSigner();
      await account.ask('key-change', innerJws(account, newKey));
      expect(refusalOf(await askWith(acme, account.signer, account))).toBe('400 malformed');
      const back = innerJws({ ...account, signer: newKey }, account.signer);
      expect((await acme.ask(newKey, 'key-change', back, { kid: account.url })).status).toBe(200);
      expect((await askWith(acme, account.signer, account)).status).toBe(200);
      expect(refusalOf(await askWith(acme, newKey, account))).toBe('400 malformed');
    }));

  it.each<[string, (account: Account, newKey: Signer, other: Account) => unknown, string]>([
    ['no JWS', () => ({}), '400 malformed'],
    ['a signature of another key', (a, k) => flipped(innerJws(a, k), 'signature'), '400 malformed'],
    ['a kid beside its key', (a, k) => innerJws(a, k, { kid: a.url }), '400 malformed'],
    ['no key', (a, k) => innerJws(a, k, { jwk: undefined }), '400 malformed'],
    ['a nonce', (a, k) => innerJws(a, k, { nonce: 'AAAA' }), '400 malformed'],
    ['another url', (a, k) => innerJws(a, k, { url: `${base}/new-order` }), '400 malformed'],
    ['no url', (a, k) => innerJws(a, k, { url: undefined }), '400 malformed'],
    ['crit', (a, k) => innerJws(a, k, { crit: ['x'] }), '400 malformed'],
    ['another account', (a, k, o) => innerJws(a, k, {}, { account: o.url }), '400 malformed'],
    ['no account', (a, k) => innerJws(a, k, {}, { account: undefined }), '400 malformed'],
    ['another old key', (a, k, o) => innerJws(a, k, {}, { oldKey: o.signer.jwk }), '400 malformed'],
    ['no old key', (a, k) => innerJws(a, k, {}, { oldKey: undefined }), '400 malformed'],
    ['a MAC', (a, k) => innerJws(a, k, { alg: 'HS256' }), '400 badSignatureAlgorithm'],
    ['an algorithm that is not its key\u2019s', (a, k) => innerJws(a, k, { alg: 'ES384' }), '400 badPublicKey'],
    ['a private key', (a, k) => innerJws(a, k, { jwk: k.privateKey.export({ format: 'jwk' }) }), '400 badPublicKey'],
  ])('is refused with %s in the inner JWS', (_, make, refusal) =>
    withAcme(async (acme) => {
      const [account, other] = [await acme.openAccount(), await acme.openAccount()];
      const newKey = makeSigner();
      expect(refusalOf(await account.ask('key-change', make(account, newKey, other)))).toBe(refusal);
      expect(acme.refusals).toMatchObject([{ operation: 'keyChange' }]);
      expect((await account.ask(account.path)).status).toBe(200);
    }),
  );

  it('takes no RSA key that was made badly', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      expect(refusalOf(await account.ask('key-change', innerJws(account, makeWeakSigner())))).toBe('400 badPublicKey');
      expect((await account.ask(account.path)).status).toBe(200);
    }));

  it('is a conflict with the account that has the key, and names it', () =>
    withAcme(async (acme) => {
      const [account, other] = [await acme.openAccount(), await acme.openAccount()];
      for (const owner of [other, account]) {
        const reply = await account.ask('key-change', innerJws(account, owner.signer));
        expect(refusalOf(reply)).toBe('409 malformed');
        expect(reply.headers.Location).toBe(owner.url);
        expect(problemOf(reply).detail).toContain('another one');
      }
    }));

  it('takes one of fifty new keys that come at the same time', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      const keys = Array.from({ length: 50 }, () => makeSigner());
      const replies = await Promise.all(keys.map((key) => account.ask('key-change', innerJws(account, key))));
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      const refusals = new Set(replies.filter(({ status }) => status !== 200).map(refusalOf));
      // Who came before the change was committed, and who came after it.
      expect([...refusals].every((refusal) => ['409 malformed', '400 malformed'].includes(refusal))).toBe(true);
      const heard = await Promise.all(keys.map((key) => askWith(acme, key, account)));
      expect(heard.map(({ status }) => status === 200)).toEqual(replies.map(({ status }) => status === 200));
    }));

  it('gives one key to one of fifty accounts', () =>
    withAcme(async (acme) => {
      const newKey = makeSigner();
      const accounts = await Promise.all(Array.from({ length: 50 }, () => acme.openAccount()));
      const replies = await Promise.all(accounts.map((each) => each.ask('key-change', innerJws(each, newKey))));
      const winner = accounts[replies.findIndex(({ status }) => status === 200)];
      const losers = replies.filter(({ status }) => status !== 200);
      expect(losers.map(refusalOf)).toEqual(Array(49).fill('409 malformed'));
      expect(new Set(losers.map(({ headers }) => headers.Location))).toEqual(new Set([winner?.url]));
    }));
});
