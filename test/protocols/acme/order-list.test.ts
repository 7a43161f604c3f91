import { describe, expect, it } from '@jest/globals';
import { authorization } from '../../../protocols/acme/authorizations.js';
import { keepHouse } from '../../../protocols/acme/housekeeping.js';
import { listOrders } from '../../../protocols/acme/order-list.js';
import { dns, orderOf, placeOrder } from './acme-objects.js';
import { type FakeAcme, urls, withAcme } from './fake-core.js';

async function list(acme: FakeAcme, query = '') {
  return await listOrders(acme.request(undefined, { id: acme.account.id }, { query }), acme.context);
}

describe('ACME orders list (RFC 8555 7.1.2.1)', () => {
  it('has the orders of the account that are not invalid, oldest first', () =>
    withAcme(async (acme) => {
      const ids: string[] = [];
      acme.says.acme = { orderLifetime: 60 };
      await placeOrder(acme, dns('late.example'));
      acme.clock.advance(60);
      acme.says.acme = {};
      for (const name of ['a.example', 'b.example', 'c.example']) {
        ids.push((await placeOrder(acme, dns(name))).id);
        acme.clock.advance(1);
      }
      const { authorizations } = await placeOrder(acme, dns('d.example'));
      await authorization(acme.request({ status: 'deactivated' }, { id: authorizations[0] ?? '' }), acme.context);
      expect(await list(acme)).toEqual({ status: 200, json: { orders: ids.map(urls.order) } });
    }));

  it('comes in pages of a hundred that link to the next one', () =>
    withAcme(async (acme) => {
      for (let i = 0; i < 101; i++) {
        await placeOrder(acme, dns('a.example'));
        acme.clock.advance(1);
      }
      const first = await list(acme);
      const { orders } = first.json as { orders: string[] };
      expect(orders).toHaveLength(100);
      const next = urls.orders(acme.account.id, orders.at(-1)?.split('/').at(-1));
      expect(first.links).toEqual([`<${next}>;rel="next"`]);
      const second = await list(acme, next.slice(next.indexOf('?') + 1));
      expect(second.links).toBeUndefined();
      expect((second.json as { orders: string[] }).orders).toHaveLength(1);
    }));

  it('is for nobody but its account', () =>
    withAcme(async (acme) => {
      const { id } = await acme.addAccount();
      await expect(listOrders(acme.request(undefined, { id }), acme.context)).rejects.toMatchObject({
        type: 'unauthorized',
        status: 403,
      });
    }));
});

describe('ACME housekeeping', () => {
  it('removes orders and authorizations a week after they have ended', () =>
    withAcme(async (acme) => {
      acme.says.acme = { orderLifetime: 3600 };
      const { id, authorizations } = await placeOrder(acme, dns('a.example'));
      acme.clock.advance(3600 + 7 * 86_400 - 1);
      await keepHouse(acme.context, acme.clock.now());
      expect((await orderOf(acme, id)).status).toBe('invalid');
      acme.clock.advance(1);
      const kept = await placeOrder(acme, dns('b.example'));
      await keepHouse(acme.context, acme.clock.now());
      await expect(orderOf(acme, id)).rejects.toMatchObject({ status: 404 });
      const key = { id: authorizations[0] ?? '', accountId: acme.account.id };
      expect(await acme.context.authorizations.find(key)).toBeUndefined();
      expect(await acme.context.orders.authorizations({ orderId: id })).toEqual([]);
      expect((await orderOf(acme, kept.id)).status).toBe('pending');
    }));

  it('leaves the authorizations of an order that lasts longer in its list', () =>
    withAcme(async (acme) => {
      const { id, authorizations } = await placeOrder(acme, dns('a.example'));
      const order = await acme.context.orders.find({ id, accountId: acme.account.id, label: 'web' });
      if (order === undefined) throw new Error('no such order');
      const expiresAt = acme.clock.now().getTime() + 365 * 86_400_000;
      await acme.context.services.commit([
        acme.context.orders.proceed({ ...order, from: 'open', status: 'valid', expiresAt }),
      ]);
      acme.clock.advance(60 * 86_400);
      await keepHouse(acme.context, acme.clock.now());
      expect(await orderOf(acme, id)).toMatchObject({
        status: 'valid',
        authorizations: [urls.authorization(authorizations[0] ?? '')],
      });
    }));
});
