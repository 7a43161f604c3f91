import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createAccountStore } from '../../../protocols/acme/store/accounts.js';
import { type AcmeGateway, acmeOnOneStore, base, flipped, jsonOf, problemOf, refusalOf } from './acme-gateway.js';
import { makeBinding, makeJws, makeSigner } from './signer.js';

const withAcme = acmeOnOneStore();
const signer = makeSigner();
const secret = randomBytes(32);
const url = `${base}/new-account`;
const required = { acme: { authorization: 'externalAccount' } } as const;

async function open(acme: AcmeGateway, externalAccountBinding: unknown) {
  acme.externalAccounts.set('pumps', secret);
  return await acme.ask(signer, 'new-account', { externalAccountBinding }, { jwk: signer.jwk });
}

const bindingWith = (header: object, payload: unknown = signer.jwk, key: Uint8Array = secret) =>
  makeBinding(key, { alg: 'HS256', ...{ kid: 'pumps', url, ...header } }, payload);

describe('an external account binding (RFC 8555 7.3.4)', () => {
  it.each(['HS256', 'HS384', 'HS512'])('by %s ties the account to the external one, and is shown', (alg) =>
    withAcme(async (acme) => {
      const binding = bindingWith({ alg });
      const reply = await open(acme, binding);
      expect(reply.status).toBe(201);
      expect(jsonOf(reply).externalAccountBinding).toEqual(binding);
      expect(acme.openings).toMatchObject([{ binding: { kind: 'mac', secretKind: 'acme-account-key' } }]);
      const account = { id: reply.headers.Location?.split('/').at(-1) ?? '', policy: acme.policy };
      expect(await createAccountStore(acme.store.database).findById(account)).toMatchObject({
        externalAccount: 'credential of pumps',
      });
    }, required),
  );

  it('is taken where it is not needed', () =>
    withAcme(async (acme) => {
      const wrong = await open(acme, bindingWith({}, signer.jwk, randomBytes(32)));
      expect(refusalOf(wrong)).toBe('403 unauthorized');
      expect((await open(acme, bindingWith({}))).status).toBe(201);
    }));

  it.each(['externalAccount', 'both'] as const)('is needed where the policy says so: %s', (authorization) =>
    withAcme(
      async (acme) => {
        expect(refusalOf(await open(acme, undefined))).toBe('403 externalAccountRequired');
        expect(acme.refusals).toMatchObject([{ operation: 'newAccount', code: 'bad-secret' }]);
        expect(acme.openings).toEqual([]);
      },
      { acme: { authorization }, needsExternalAccount: true },
    ),
  );

  it.each<[string, unknown, string]>([
    ['another MAC key', bindingWith({}, signer.jwk, randomBytes(32)), '403 unauthorized'],
    ['an unknown key id', bindingWith({ kid: 'nobody' }), '403 unauthorized'],
    ['another account key', bindingWith({}, makeSigner().jwk), '403 unauthorized'],
    ['another URL', bindingWith({ url: `${base}/new-order` }), '403 unauthorized'],
    ['no URL', bindingWith({ url: undefined }), '403 unauthorized'],
    ['a changed payload', flipped(bindingWith({}), 'signature'), '403 unauthorized'],
    ['an empty MAC', { ...bindingWith({}), signature: '' }, '403 unauthorized'],
    ['a nonce', bindingWith({ nonce: 'AAAA' }), '400 malformed'],
    ['no key id', bindingWith({ kid: undefined }), '400 malformed'],
    ['a key id that is not ASCII', bindingWith({ kid: 'pümps' }), '400 malformed'],
    ['crit', bindingWith({ crit: ['x'], x: 1 }), '400 malformed'],
    ['an unprotected header', { ...bindingWith({}), header: {} }, '400 malformed'],
    ['no signature', { ...bindingWith({}), signature: undefined }, '400 malformed'],
    ['a payload that is no key', bindingWith({}, { account: 'x' }), '400 malformed'],
    ['a private key', bindingWith({}, signer.privateKey.export({ format: 'jwk' })), '400 badPublicKey'],
  ])('is refused with %s', (_, binding, refusal) =>
    withAcme(async (acme) => {
      expect(refusalOf(await open(acme, binding))).toBe(refusal);
      expect((await open(acme, bindingWith({}))).status).toBe(201);
    }, required),
  );

  it('is no signature by the account key itself', () =>
    withAcme(async (acme) => {
      const reply = await open(acme, makeJws(signer, { kid: 'pumps', url }, signer.jwk));
      expect(refusalOf(reply)).toBe('400 badSignatureAlgorithm');
      expect(problemOf(reply).algorithms).toEqual(['HS256', 'HS384', 'HS512']);
    }, required));

  it('may have the key with further members', () =>
    withAcme(async (acme) => {
      expect((await open(acme, bindingWith({}, { ...signer.jwk, kid: 'mine', alg: 'ES256' }))).status).toBe(201);
    }, required));
});
