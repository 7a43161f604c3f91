/** The orders of an account (RFC 8555 7.1.2.1). */
import { type Answer, link } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { AcmeError } from './problem.js';
import { recorded } from './recorded.js';

export const listOrders = recorded('orders', async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
  const { exchange, account, label, urls } = request;
  if (exchange.params.id !== account.id) {
    throw new AcmeError('unauthorized', "these are another account's orders");
  }
  const after = new URLSearchParams(exchange.query).get('after') ?? '';
  const now = context.services.clock.now().getTime();
  const found = await context.orders.ofAccount({ accountId: account.id, label, after, now, limit: pageLength + 1 });
  const page = found.slice(0, pageLength);
  const last = page.at(-1);
  const hasMore = found.length > pageLength && last !== undefined;
  return {
    status: 200,
    json: { orders: page.map(({ id }) => urls.order(id)) },
    ...(hasMore ? { links: [link(urls.orders(account.id, last.id), 'next')] } : {}),
  };
});

const pageLength = 100;
