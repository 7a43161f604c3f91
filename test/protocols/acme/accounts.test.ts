import { describe, expect, it } from '@jest/globals';
import { withStore } from '../../src/store/temporary-store.js';
import { acmeOnOneStore, base, createAcmeGateway, jsonOf, problemOf, refusalOf } from './acme-gateway.js';
import { makeJws, makeSigner, makeWeakSigner } from './signer.js';

const withAcme = acmeOnOneStore();
const signer = makeSigner();
const terms = 'https://acme.example/terms/1';

describe('newAccount (RFC 8555 7.3)', () => {
  it('opens an account for the key that signs', () =>
    withAcme(async (acme) => {
      const contact = ['mailto:admin@example.org'];
      const reply = await acme.ask(signer, 'new-account', { contact, orders: 'x', further: 1 }, { jwk: signer.jwk });
      expect(reply.status).toBe(201);
      const url = reply.headers.Location;
      expect(jsonOf(reply)).toEqual({ status: 'valid', contact, orders: `${url}/orders` });
      expect(acme.openings).toMatchObject([
        {
          protocol: 'acme',
          label: 'servers',
          account: url?.split('/').at(-1),
          details: { contact },
          remoteAddress: '192.0.2.1',
          requestId: 'request-1',
        },
      ]);
    }));

  it('answers a key that has an account with that, as it was (7.3.1)', () =>
    withAcme(async (acme) => {
      const first = await acme.openAccount({ contact: ['mailto:one@example.org'] }, signer);
      const wishes = [{ contact: ['mailto:two@example.org'] }, { onlyReturnExisting: true }, { contact: 7 }];
      for (const wish of wishes) {
        const reply = await acme.ask(signer, 'new-account', wish, { jwk: signer.jwk });
        expect(reply).toMatchObject({ status: 200, headers: { Location: first.url } });
        expect(jsonOf(reply).contact).toEqual(['mailto:one@example.org']);
      }
      expect(acme.openings).toHaveLength(1);
    }));

  it('opens none where only an existing one is asked for (7.3.1)', () =>
    withAcme(async (acme) => {
      const reply = await acme.ask(signer, 'new-account', { onlyReturnExisting: true }, { jwk: signer.jwk });
      expect(refusalOf(reply)).toBe('400 accountDoesNotExist');
      expect(acme.openings).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'newAccount', code: 'not-found' }]);
    }));

  it('opens one account for fifty messages of one key', () =>
    withAcme(async (acme) => {
      const replies = await Promise.all(
        Array.from({ length: 50 }, () => acme.ask(signer, 'new-account', {}, { jwk: signer.jwk })),
      );
      expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(49);
      expect(new Set(replies.map(({ headers }) => headers.Location)).size).toBe(1);
    }));

  it.each([
    [{ contact: ['tel:1'] }, 'unsupportedContact'],
    [{ contact: ['mailto:a@b.example,c@d.example'] }, 'invalidContact'],
    [{ contact: 'mailto:a@b.example' }, 'malformed'],
    [{ contact: [7] }, 'malformed'],
    [{ termsOfServiceAgreed: 'yes' }, 'malformed'],
    [{ onlyReturnExisting: 1 }, 'malformed'],
    [{ externalAccountBinding: 'x' }, 'malformed'],
    [{ externalAccountBinding: null }, 'malformed'],
  ])('refuses %j as %s', (payload, type) =>
    withAcme(async (acme) => {
      const reply = await acme.ask(signer, 'new-account', payload, { jwk: signer.jwk });
      expect(refusalOf(reply)).toBe(`400 ${type}`);
      expect(acme.refusals).toMatchObject([{ operation: 'newAccount', code: 'malformed-request' }]);
    }),
  );

  it('takes no RSA key that was made badly', () =>
    withAcme(async (acme) => {
      const weak = makeWeakSigner();
      expect(refusalOf(await acme.ask(weak, 'new-account', {}, { jwk: weak.jwk }))).toBe('400 badPublicKey');
      expect(acme.openings).toEqual([]);
      expect(acme.refusals).toMatchObject([{ operation: 'newAccount', code: 'unacceptable-key' }]);
    }));

  it('wants the terms of service agreed to', () =>
    withAcme(
      async (acme) => {
        for (const payload of [{}, { termsOfServiceAgreed: false }]) {
          const reply = await acme.ask(signer, 'new-account', payload, { jwk: signer.jwk });
          expect(refusalOf(reply)).toBe('403 userActionRequired');
          expect(problemOf(reply).instance).toBe(terms);
          expect(reply.links).toContain(`<${terms}>;rel="terms-of-service"`);
        }
        const account = await acme.openAccount({ termsOfServiceAgreed: true }, signer);
        expect(jsonOf(await account.ask(account.path)).termsOfServiceAgreed).toBe(true);
      },
      { acme: { termsOfService: terms } },
    ));

  it('opens so many accounts for a network in an hour (6.6)', () =>
    withStore(async (store) => {
      const acme = createAcmeGateway(store, 'servers', {
        acme: { limits: { accountsPerAddress: 2, pendingAuthorizationsPerAccount: 300 } },
      });
      const open = async (remoteAddress: string) => {
        const { jwk, ...key } = makeSigner();
        const header = { nonce: await acme.nonce(), url: `${base}/new-account`, jwk };
        return await acme.post('new-account', makeJws(key, header, {}), { remoteAddress });
      };
      expect((await open('2001:db8::1')).status).toBe(201);
      acme.clock.advance(1800);
      expect((await open('2001:db8::2:0:0:1')).status).toBe(201);
      acme.clock.advance(60);
      const refused = await open('2001:db8::3');
      expect(refusalOf(refused)).toBe('429 rateLimited');
      expect(refused.headers['Retry-After']).toBe(String(3600 - 1860));
      expect(acme.refusals).toMatchObject([{ code: 'rate-limited' }]);
      expect((await open('2001:db8:0:1::1')).status).toBe(201);
      acme.clock.advance(3600 - 1860);
      expect((await open('2001:db8::3')).status).toBe(201);
    }));
});

describe('an account (RFC 8555 7.3.2)', () => {
  it('is shown to its owner', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({ contact: ['mailto:admin@example.org'] });
      const reply = await account.ask(account.path);
      expect(reply).toMatchObject({ status: 200, headers: { Location: account.url } });
      expect(jsonOf(reply)).toMatchObject({ status: 'valid', contact: ['mailto:admin@example.org'] });
    }));

  it('is shown and changed by nobody else', () =>
    withAcme(async (acme) => {
      const [one, other] = [await acme.openAccount(), await acme.openAccount()];
      for (const payload of [undefined, { status: 'deactivated' }, { contact: [] }]) {
        expect(refusalOf(await one.ask(other.path, payload))).toBe('403 unauthorized');
        expect(refusalOf(await one.ask('account/nobody', payload))).toBe('403 unauthorized');
      }
      expect(jsonOf(await other.ask(other.path)).status).toBe('valid');
      expect(acme.refusals[0]).toMatchObject({ operation: 'account', code: 'forbidden' });
    }));

  it('has its contacts changed, with an audit event', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({ contact: ['mailto:one@example.org'] });
      const contact = ['mailto:two@example.org'];
      expect(jsonOf(await account.ask(account.path, { contact })).contact).toEqual(contact);
      expect(jsonOf(await account.ask(account.path)).contact).toEqual(contact);
      expect(acme.events).toMatchObject([
        { action: 'account.updated', outcome: 'success', details: { contact, remoteAddress: '192.0.2.1' } },
      ]);
      expect(refusalOf(await account.ask(account.path, { contact: ['tel:1'] }))).toBe('400 unsupportedContact');
      expect(jsonOf(await account.ask(account.path, { contact: [] })).contact).toBeUndefined();
    }));

  it('ignores what cannot be changed, and then there is no event', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount({ contact: ['mailto:one@example.org'] });
      const shown = jsonOf(await account.ask(account.path));
      const wish = {
        orders: 'x',
        status: 'revoked',
        termsOfServiceAgreed: true,
        externalAccountBinding: {},
        further: 1,
      };
      expect(jsonOf(await account.ask(account.path, wish))).toEqual(shown);
      expect(acme.events).toEqual([]);
    }));

  it('has to agree to terms that have changed before it goes on (7.3.3)', () =>
    withAcme(
      async (acme) => {
        const account = await acme.openAccount({ termsOfServiceAgreed: true });
        const changed = 'https://acme.example/terms/2';
        acme.options = { acme: { termsOfService: changed } };
        for (const path of ['new-order', 'new-authz']) {
          const reply = await account.ask(path, {});
          expect(refusalOf(reply)).toBe('403 userActionRequired');
          expect(problemOf(reply).instance).toBe(changed);
          expect(reply.links).toContain(`<${changed}>;rel="terms-of-service"`);
        }
        expect(jsonOf(await account.ask(account.path)).termsOfServiceAgreed).toBe(false);
        const agreed = await account.ask(account.path, { termsOfServiceAgreed: true });
        expect(jsonOf(agreed).termsOfServiceAgreed).toBe(true);
        expect(acme.events).toMatchObject([{ action: 'account.updated', details: { agreedTerms: changed } }]);
      },
      { acme: { termsOfService: terms } },
    ));

  it('that is deactivated is heard no more (7.3.6)', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      expect(jsonOf(await account.ask(account.path, { status: 'deactivated' })).status).toBe('deactivated');
      expect(acme.events).toMatchObject([{ action: 'account.deactivated', subject: account.path.split('/')[1] }]);
      for (const [path, payload] of [[account.path], ['new-order', {}], [account.path, { status: 'valid' }]] as const) {
        expect(refusalOf(await account.ask(path, payload))).toBe('401 unauthorized');
      }
      const again = await acme.ask(account.signer, 'new-account', {}, { jwk: account.signer.jwk });
      expect(refusalOf(again)).toBe('401 unauthorized');
    }));

  it('is deactivated once by fifty messages', () =>
    withAcme(async (acme) => {
      const account = await acme.openAccount();
      const replies = await Promise.all(
        Array.from({ length: 50 }, () => account.ask(account.path, { status: 'deactivated' })),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(replies.filter(({ status }) => status !== 200).map(refusalOf)).toEqual(Array(49).fill('401 unauthorized'));
      expect(acme.events).toHaveLength(1);
    }));
});
