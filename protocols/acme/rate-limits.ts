/** What one account may ask for in an hour, and what may be asked about one identifier. */
import type { AcmeIdentifier } from '../../src/model/acme.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { baseOf } from './identifiers.js';
import { AcmeError } from './problem.js';

const hourMilliseconds = 3_600_000;

/** @throws AcmeError `rateLimited` */
export async function limitOrders({ account, policy }: AccountRequest, context: AcmeContext): Promise<void> {
  const { ordersPerAccount } = policy.acme.limits;
  if (ordersPerAccount === undefined) return;
  const first = await context.orders.madeBy({ accountId: account.id, offset: ordersPerAccount - 1 });
  limit(first?.createdAt, `this account has made ${ordersPerAccount} orders within an hour`, context);
}

/**
 * What is never finished stays until it expires: nobody should be able to fill the disk with it.
 * @throws AcmeError `rateLimited`
 */
export async function limitPending({ account, policy }: AccountRequest, context: AcmeContext): Promise<void> {
  const { pendingAuthorizationsPerAccount: most } = policy.acme.limits;
  const now = context.services.clock.now().getTime();
  const tooMany = await context.authorizations.pendingOf({ accountId: account.id, now, offset: most - 1 });
  if (tooMany === undefined) return;
  const detail = `${most} authorizations of this account wait for their challenges; complete or deactivate some`;
  throw new AcmeError('rateLimited', detail, { retryAfterSeconds: 600 });
}

/** @throws AcmeError `rateLimited` */
export async function limitAuthorizations(
  wanted: AcmeIdentifier,
  { policy }: AccountRequest,
  context: AcmeContext,
): Promise<void> {
  const { authorizationsPerIdentifier } = policy.acme.limits;
  if (authorizationsPerIdentifier === undefined) return;
  const { type: identifierType, value: identifierValue } = baseOf(wanted).identifier;
  const first = await context.authorizations.madeFor({
    policy: policy.name,
    identifierType,
    identifierValue,
    offset: authorizationsPerIdentifier - 1,
  });
  const reason = `${identifierValue} was to be authorized ${authorizationsPerIdentifier} times within an hour`;
  limit(first?.createdAt, reason, context);
}

/** Room is made when the first of them is an hour old. */
function limit(first: number | undefined, reason: string, { services }: AcmeContext): void {
  const left = (first ?? 0) + hourMilliseconds - services.clock.now().getTime();
  if (left <= 0) return;
  const retryAfterSeconds = Math.ceil(left / 1000);
  throw new AcmeError('rateLimited', `${reason}; try again in ${retryAfterSeconds} seconds`, { retryAfterSeconds });
}
