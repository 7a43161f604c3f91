import { describe, expect, it } from '@jest/globals';
import { authorization, newAuthorization } from '../../../protocols/acme/authorizations.js';
import { GatewayError } from '../../../src/errors.js';
import { authorizationOf, dns, idOf, orderOf, placeOrder, placeReadyOrder, respond } from './acme-objects.js';
import { type FakeAcme, urls, withAcme } from './fake-core.js';

async function newAuthz(acme: FakeAcme, identifier: unknown) {
  return await newAuthorization(acme.request({ identifier }), acme.context);
}

async function deactivate(acme: FakeAcme, id = '') {
  return await authorization(acme.request({ status: 'deactivated' }, { id }), acme.context);
}

describe('ACME newAuthz (RFC 8555 7.4.1)', () => {
  it('answers 201 with a pending authorization, which orders use once it is valid', () =>
    withAcme(async (acme) => {
      const answer = await newAuthz(acme, { type: 'dns', value: 'A.example' });
      const id = idOf(answer.location);
      expect(answer).toMatchObject({
        status: 201,
        location: urls.authorization(id),
        json: { status: 'pending', identifier: { type: 'dns', value: 'a.example' } },
      });
      await respond(acme, id);
      const { order, authorizations } = await placeOrder(acme, dns('a.example'));
      expect(order.status).toBe('ready');
      expect(authorizations).toEqual([id]);
    }));

  it('may be asked for over and over: an order does not read all of them', () =>
    withAcme(async (acme) => {
      for (let i = 0; i < 25; i++) {
        const { location } = await newAuthz(acme, { type: 'dns', value: 'a.example' });
        await respond(acme, idOf(location));
      }
      const now = acme.context.services.clock.now().getTime();
      const wanted = { identifierType: 'dns', identifierValue: 'a.example', isWildcard: 0 } as const;
      const found = await acme.context.authorizations.findValid({ accountId: acme.account.id, ...wanted, now });
      expect(found).toHaveLength(20);
      expect((await placeOrder(acme, dns('a.example'))).order.status).toBe('ready');
    }));

  it('refuses wildcards', () =>
    withAcme(async (acme) => {
      await expect(newAuthz(acme, { type: 'dns', value: '*.example' })).rejects.toMatchObject({
        type: 'rejectedIdentifier',
        status: 403,
        message: 'a wildcard cannot be authorized beforehand; order it',
      });
      expect(acme.refusals).toMatchObject([{ operation: 'newAuthz' }]);
    }));

  it('refuses what no certificate would have, before anything is proved', () =>
    withAcme(async (acme) => {
      acme.says.requireNames = new GatewayError('rejected-name', 'not that one');
      await expect(newAuthz(acme, { type: 'dns', value: 'a.example' })).rejects.toMatchObject({
        type: 'rejectedIdentifier',
      });
      await expect(newAuthz(acme, { type: 'email', value: 'a' })).rejects.toMatchObject({
        type: 'unsupportedIdentifier',
      });
      await expect(newAuthz(acme, undefined)).rejects.toMatchObject({ type: 'malformed' });
    }));
});

describe('ACME deactivation of authorizations (RFC 8555 7.5.2)', () => {
  it.each([
    ['a pending one', placeOrder],
    ['a valid one', placeReadyOrder],
  ])('ends %s and the open orders that need it, and is recorded', (_, place) =>
    withAcme(async (acme) => {
      const { id, authorizations } = await place(acme, dns('a.example', 'b.example'));
      expect(await deactivate(acme, authorizations[0])).toMatchObject({ status: 200, json: { status: 'deactivated' } });
      expect(await orderOf(acme, id)).toMatchObject({
        status: 'invalid',
        error: { detail: 'a.example was not authorized: its authorization was deactivated' },
      });
      expect(acme.events.at(-1)).toMatchObject({
        action: 'authorization.deactivated',
        subject: authorizations[0],
        details: { account: acme.account.id, identifier: { type: 'dns', value: 'a.example' } },
      });
      const again = await placeOrder(acme, dns('a.example'));
      expect(again.order.status).toBe('pending');
      expect(await deactivate(acme, authorizations[0])).toMatchObject({ json: { status: 'deactivated' } });
    }),
  );

  it('is refused for one that has ended, and for any other change', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      const request = acme.request({ status: 'valid' }, { id: authorizations[0] ?? '' });
      await expect(authorization(request, acme.context)).rejects.toMatchObject({ type: 'malformed' });
      acme.clock.advance(8 * 86_400);
      await expect(deactivate(acme, authorizations[0])).rejects.toMatchObject({
        type: 'malformed',
        message: 'the authorization is expired: there is nothing to give up',
      });
    }));

  it('is for nobody but its account', () =>
    withAcme(async (acme) => {
      const { authorizations } = await placeOrder(acme, dns('a.example'));
      const account = await acme.addAccount();
      const request = acme.request({ status: 'deactivated' }, { id: authorizations[0] ?? '' });
      await expect(authorization({ ...request, account }, acme.context)).rejects.toMatchObject({ status: 404 });
      expect((await authorizationOf(acme, authorizations[0])).status).toBe('pending');
    }));
});
