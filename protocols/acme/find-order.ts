/** Finds an account's order, and asks the core for news of one that people decide about. */
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { accountCredential } from './account-credential.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { type Order, orderStatus } from './order-state.js';
import { AcmeError, problemDocument } from './problem.js';
import { notFound } from './recorded.js';
import type { OrderRecord, OrderWrite } from './store/orders.js';

/** The order as it is on record. @throws AcmeError as for one that does not exist when it is another account's */
export async function findOrder(request: AccountRequest, context: AcmeContext): Promise<Order> {
  return await describeOrder(await findOrderRecord(request, context), context);
}

/** Without what it depends on. @throws as findOrder */
export async function findOrderRecord(
  { exchange, account, label }: AccountRequest,
  { orders }: AcmeContext,
): Promise<OrderRecord> {
  const record = await orders.find({ id: exchange.params.id ?? '', accountId: account.id, label });
  if (record === undefined) throw notFound('order');
  return record;
}

/** The order as it is now. @throws as findOrder, GatewayError as `poll` does */
export async function findCurrentOrder(request: AccountRequest, context: AcmeContext): Promise<Order> {
  return await refreshed(await findOrder(request, context), request, context);
}

export async function describeOrder(record: OrderRecord, { orders, services }: AcmeContext): Promise<Order> {
  const authorizations = await orders.authorizations({ orderId: record.id });
  return { record, authorizations, status: orderStatus(record, authorizations, services.clock.now().getTime()) };
}

/** What people have decided meanwhile about an order that waits for them. @throws GatewayError as `poll` does */
export async function refreshed(order: Order, request: AccountRequest, context: AcmeContext): Promise<Order> {
  const { record, authorizations } = order;
  if (record.status !== 'processing' || record.requestId === null) return order;
  try {
    const result = await context.services.poll({
      ...originOf(request.exchange),
      protocol: 'acme',
      pending: { requestId: record.requestId, credentials: [accountCredential(request, authorizations, context)] },
    });
    if (result.outcome === 'pending') return { ...order, retryAfter: result.retryAfterSeconds };
    return await proceed(order, orderProgress(record, result, context), context);
  } catch (error) {
    // Rejected by people, or left undecided for too long.
    if (!(error instanceof GatewayError) || (error.code !== 'forbidden' && error.code !== 'not-found')) throw error;
    const problem = JSON.stringify(problemDocument(new AcmeError('unauthorized', error.message)));
    return await proceed(
      order,
      context.orders.proceed({ ...unchanged(record), status: 'invalid', error: problem }),
      context,
    );
  }
}

/** What the order becomes with the result, for the commit that has the certificate or the request that waits. */
export function orderProgress(record: OrderRecord, result: EnrollmentResult, { orders }: AcmeContext): OrderWrite {
  if (result.outcome === 'pending') {
    return orders.proceed({ ...unchanged(record), status: 'processing', requestId: result.requestId });
  }
  const { certificate } = result;
  const expiresAt = decodeCertificate(certificate).notAfter.getTime();
  return orders.proceed({ ...unchanged(record), status: 'valid', certificate, expiresAt });
}

/** For a change of some of it. */
export function unchanged({ id, status, error, certificate, requestId, expiresAt }: OrderRecord) {
  return { id, from: status, error, certificate, requestId, expiresAt };
}

/** Commits the progress, unless another message was first with it, and returns what is on record then. */
async function proceed({ record }: Order, statement: OrderWrite, context: AcmeContext): Promise<Order> {
  const { id, accountId, label } = record;
  try {
    await context.services.commit([statement]);
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
  }
  const now = await context.orders.find({ id, accountId, label });
  if (now === undefined) throw notFound('order');
  return await describeOrder(now, context);
}
