import { describe, expect, it } from '@jest/globals';
import { newAuthorization } from '../../../protocols/acme/authorizations.js';
import { newOrder, showOrder } from '../../../protocols/acme/orders.js';
import { AcmeError } from '../../../protocols/acme/problem.js';
import { GatewayError } from '../../../src/errors.js';
import { decodeGeneralNames } from '../../../src/x509/general-names.js';
import { authorizationOf, dns, orderOf, placeOrder, placeReadyOrder, respond } from './acme-objects.js';
import { start, urls, withAcme } from './fake-core.js';

const week = 7 * 86_400_000;

describe('ACME newOrder (RFC 8555 7.4)', () => {
  it('answers 201 with the order, its URL and an authorization for each identifier', () =>
    withAcme(async (acme) => {
      const { id, answer, order } = await placeOrder(acme, {
        identifiers: [
          { type: 'dns', value: 'A.example' },
          { type: 'dns', value: '*.example' },
          { type: 'ip', value: '192.0.2.7' },
        ],
        notBefore: '2030-01-03T00:00:00+04:00',
        notAfter: '2030-02-03T00:00:00Z',
      });
      expect(answer).toMatchObject({ status: 201, location: urls.order(id) });
      expect(order).toEqual({
        status: 'pending',
        expires: new Date(start.getTime() + week).toISOString(),
        identifiers: [
          { type: 'dns', value: 'a.example' },
          { type: 'dns', value: '*.example' },
          { type: 'ip', value: '192.0.2.7' },
        ],
        notBefore: '2030-01-02T20:00:00.000Z',
        notAfter: '2030-02-03T00:00:00.000Z',
        authorizations: [expect.any(String), expect.any(String), expect.any(String)],
        finalize: urls.finalize(id),
      });
      expect(await orderOf(acme, id)).toEqual(order);
    }));

  it.each([
    ['a name', { type: 'dns', value: 'a.example' }, ['http-01', 'dns-01', 'tls-alpn-01'], undefined],
    ['a wildcard', { type: 'dns', value: '*.a.example' }, ['dns-01'], true],
    ['an address (RFC 8738)', { type: 'ip', value: '2001:db8::7' }, ['http-01', 'tls-alpn-01'], undefined],
    ['a device', { type: 'permanent-identifier', value: 'SN1' }, ['device-attest-01'], undefined],
    ['a module', { type: 'hardware-module', value: '1.2.3:0a' }, ['device-attest-01'], undefined],
  ])('offers the challenges that suit %s, each with a token of its own', (_, identifier, types, wildcard) =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, { identifiers: [identifier] });
      const { challenges, ...others } = await authorizationOf(acme, authorizations[0]);
      expect(others).toMatchObject({
        status: 'pending',
        identifier: { type: identifier.type, value: identifier.value.replace('*.', '') },
      });
      expect(others.wildcard).toBe(wildcard);
      expect(challenges.map(({ type }) => type)).toEqual(types);
      expect(challenges.map(({ status }) => status)).toEqual(types.map(() => 'pending'));
      expect(new Set(challenges.map(({ token }) => token)).size).toBe(types.length);
      for (const { token, url, type } of challenges) {
        expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(url).toBe(urls.challenge(authorizations[0] ?? '', type));
      }
    }),
  );

  it('refuses identifiers that no challenge of the policy suits, each with the reason', () =>
    withAcme(async (acme) => {
      acme.says.acme = { challenges: ['http-01'] };
      await expect(placeOrder(acme, dns('a.example', '*.example'))).rejects.toMatchObject({
        type: 'rejectedIdentifier',
        message: '*.example would need dns-01, which this policy does not offer',
        subproblems: [{ identifier: { type: 'dns', value: '*.example' } }],
      });
      expect(acme.refusals).toMatchObject([{ protocol: 'acme', operation: 'newOrder', code: 'rejected-name' }]);
    }));

  it('is ready at once where an external account is the proof', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorization: 'externalAccount', challenges: ['http-01'] };
      const { order, authorizations } = await placeOrder(acme, dns('*.example'));
      expect(order.status).toBe('ready');
      expect(await authorizationOf(acme, authorizations[0])).toMatchObject({ status: 'valid', challenges: [] });
    }));

  it('uses valid authorizations again, but not those of others, of wildcards or about to end', () =>
    withAcme(async (acme) => {
      const first = await placeReadyOrder(acme, dns('a.example'));
      const again = await placeOrder(acme, dns('a.example', '*.a.example'));
      expect(again.authorizations[0]).toBe(first.authorizations[0]);
      expect(again.authorizations[1]).not.toBe(first.authorizations[0]);
      expect(again.order.status).toBe('pending');

      const other = await acme.addAccount();
      const foreign = await newOrder({ ...acme.request(dns('a.example')), account: other }, acme.context);
      expect(foreign.json).toMatchObject({ status: 'pending' });

      acme.clock.advance(week / 1000 - 1800);
      const late = await placeOrder(acme, dns('a.example'));
      expect(late.authorizations[0]).not.toBe(first.authorizations[0]);
    }));

  it('ends with the first of the authorizations that it uses again', () =>
    withAcme(async (acme) => {
      await placeReadyOrder(acme, dns('a.example'));
      acme.clock.advance(86_400);
      const { order } = await placeOrder(acme, dns('a.example'));
      expect(order).toMatchObject({ status: 'ready', expires: new Date(start.getTime() + week).toISOString() });
    }));

  it('takes no authorization that nobody has proved, once the policy wants proofs', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorization: 'externalAccount' };
      await placeOrder(acme, dns('a.example'));
      acme.says.acme = { authorization: 'both' };
      expect((await placeOrder(acme, dns('a.example'))).order.status).toBe('pending');
    }));

  it('asks the core about the names and the validity that certificates have, with the profile', () =>
    withAcme(async (acme) => {
      acme.says.profiles = [{ name: 'short' }, { name: 'long' }];
      const identifiers = [
        { type: 'dns', value: '*.example' },
        { type: 'ip', value: '192.0.2.7' },
        { type: 'permanent-identifier', value: 'SN1' },
      ];
      const [notBefore, notAfter] = ['2030-01-03T00:00:00Z', '2030-02-01T00:00:00Z'];
      await placeOrder(acme, { identifiers, profile: 'long', notBefore, notAfter });
      const [asked] = acme.names;
      expect(asked).toMatchObject({ protocol: 'acme', label: 'web', profileHint: 'long' });
      expect(asked).toMatchObject({ notBefore: new Date(notBefore), notAfter: new Date(notAfter) });
      expect(decodeGeneralNames(asked?.subjectAltNames ?? new Uint8Array())).toEqual([
        { type: 'dns', value: '*.example' },
        { type: 'ip', value: '192.0.2.7' },
      ]);
      expect(asked?.credentials).toEqual([{ kind: 'acme-account', account: acme.account.id, identifiers: [] }]);
    }));

  it.each([
    ['rejected-name', 'rejectedIdentifier'],
    ['rejected-profile', 'invalidProfile'],
    ['forbidden', 'unauthorized'],
  ] as const)('gives the core a %s its own type, in its own words, and does not record it twice', (code, type) =>
    withAcme(async (acme) => {
      acme.says.requireNames = new GatewayError(code, 'a.example is not for you');
      await expect(placeOrder(acme, dns('a.example'))).rejects.toMatchObject({
        type,
        code,
        message: 'a.example is not for you',
      });
      expect(acme.refusals).toEqual([]);
    }),
  );

  it.each([
    ['no identifiers', {}],
    ['an empty list', { identifiers: [] }],
    ['text for a list', { identifiers: 'a.example' }],
    ['a value that is no text', { identifiers: [{ type: 'dns', value: 1 }] }],
    ['no object', 'a.example'],
    ['a time that is none', { ...dns('a.example'), notAfter: 'tomorrow' }],
    ['a time without a zone', { ...dns('a.example'), notAfter: '2031-01-01T00:00:00' }],
    ['an end in the past', { ...dns('a.example'), notAfter: '2029-01-01T00:00:00Z' }],
    [
      'an end before the start',
      { ...dns('a.example'), notBefore: '2031-01-02T00:00:00Z', notAfter: '2031-01-01T00:00:00Z' },
    ],
  ])('refuses %s', (_, payload) =>
    withAcme(async (acme) => {
      await expect(placeOrder(acme, payload)).rejects.toMatchObject({ type: 'malformed', status: 400 });
      expect(acme.refusals).toMatchObject([{ operation: 'newOrder', code: 'malformed-request' }]);
    }),
  );

  describe('profiles (draft-ietf-acme-profiles)', () => {
    it('are selected and shown', () =>
      withAcme(async (acme) => {
        acme.says.profiles = [{ name: 'short' }, { name: 'long' }];
        expect((await placeOrder(acme, { ...dns('a.example'), profile: 'long' })).order.profile).toBe('long');
        expect((await placeOrder(acme, dns('a.example'))).order.profile).toBe('short');
      }));

    it('are refused where the policy has no such one', () =>
      withAcme(async (acme) => {
        acme.says.profiles = [{ name: 'short' }];
        await expect(placeOrder(acme, { ...dns('a.example'), profile: 'long' })).rejects.toMatchObject({
          type: 'invalidProfile',
          message: 'there is no such profile; this policy offers short',
        });
      }));
  });

  describe('rate limits', () => {
    const limits = { accountsPerAddress: 1, pendingAuthorizationsPerAccount: 300 };

    it('of authorizations that wait for their challenges end when some are proved', () =>
      withAcme(async (acme) => {
        acme.says.acme = { limits: { ...limits, pendingAuthorizationsPerAccount: 2 } };
        const { authorizations } = await placeOrder(acme, dns('a.example', 'b.example'));
        for (const make of [
          () => placeOrder(acme, dns('c.example')),
          () => newAuthorization(acme.request({ identifier: { type: 'dns', value: 'c.example' } }), acme.context),
        ]) {
          await expect(make()).rejects.toMatchObject({ type: 'rateLimited', status: 429, retryAfterSeconds: 600 });
        }
        const other = await acme.addAccount();
        expect((await newOrder({ ...acme.request(dns('c.example')), account: other }, acme.context)).status).toBe(201);
        await respond(acme, authorizations[0]);
        expect((await placeOrder(acme, dns('c.example'))).order.status).toBe('pending');
        acme.clock.advance(8 * 86_400);
        expect((await placeOrder(acme, dns('d.example'))).order.status).toBe('pending');
      }));

    it('of orders of an account end when the oldest of them is an hour old', () =>
      withAcme(async (acme) => {
        acme.says.acme = { limits: { ...limits, ordersPerAccount: 2 } };
        await placeOrder(acme, dns('a.example'));
        acme.clock.advance(600);
        await placeOrder(acme, dns('b.example'));
        await expect(placeOrder(acme, dns('c.example'))).rejects.toMatchObject({
          type: 'rateLimited',
          status: 429,
          retryAfterSeconds: 3000,
        });
        acme.clock.advance(3000);
        expect((await placeOrder(acme, dns('c.example'))).order.status).toBe('pending');
      }));

    it('of an identifier count all accounts, and not what is used again', () =>
      withAcme(async (acme) => {
        acme.says.acme = { limits: { ...limits, authorizationsPerIdentifier: 1 } };
        await placeReadyOrder(acme, dns('a.example'));
        expect((await placeOrder(acme, dns('a.example'))).order.status).toBe('ready');
        const other = await acme.addAccount();
        await expect(
          newOrder({ ...acme.request(dns('a.example')), account: other }, acme.context),
        ).rejects.toMatchObject({ type: 'rateLimited', retryAfterSeconds: 3600 });
      }));
  });
});

describe('ACME orders (RFC 8555 7.1.6)', () => {
  it('are ready once all of their authorizations are valid', () =>
    withAcme(async (acme) => {
      const { id, authorizations } = await placeOrder(acme, dns('a.example', 'b.example'));
      await respond(acme, authorizations[0]);
      expect((await orderOf(acme, id)).status).toBe('pending');
      await respond(acme, authorizations[1]);
      expect((await orderOf(acme, id)).status).toBe('ready');
    }));

  it('are invalid when their time is over, pending or ready', () =>
    withAcme(async (acme) => {
      acme.says.acme = { orderLifetime: 3600 };
      const { id } = await placeOrder(acme, dns('a.example'));
      const ready = await placeReadyOrder(acme, dns('b.example'));
      acme.clock.advance(3599);
      expect((await orderOf(acme, id)).status).toBe('pending');
      acme.clock.advance(1);
      expect((await orderOf(acme, id)).status).toBe('invalid');
      expect((await orderOf(acme, ready.id)).status).toBe('invalid');
    }));

  it('are invalid when an authorization has expired', () =>
    withAcme(async (acme) => {
      acme.says.acme = { authorizationLifetime: 3600 };
      const { id, authorizations } = await placeReadyOrder(acme, dns('a.example'));
      acme.clock.advance(3600);
      expect((await authorizationOf(acme, authorizations[0])).status).toBe('expired');
      expect((await orderOf(acme, id)).status).toBe('invalid');
    }));

  it('of others, of other labels and unknown ones are the same 404', () =>
    withAcme(async (acme) => {
      const { id } = await placeOrder(acme, dns('a.example'));
      const other = await acme.addAccount();
      const request = acme.request(undefined, { id });
      for (const each of [
        { ...request, account: other },
        { ...request, label: 'web~yard' },
        acme.request(undefined, { id: 'x' }),
        acme.request(undefined),
      ]) {
        const refusal = await showOrder(each, acme.context).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(AcmeError);
        expect(refusal).toMatchObject({
          type: 'malformed',
          status: 404,
          code: 'not-found',
          message: 'this account has no such order',
        });
      }
      expect(acme.refusals).toHaveLength(4);
    }));
});
