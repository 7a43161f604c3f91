/** Orders that wait for an approval when what they rest on is given up (RFC 8555 7.3.6, 7.5.2). */
import { GatewayError } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { unchanged } from './find-order.js';
import type { ProblemDocument } from './problem.js';
import type { OrderRecord } from './store/orders.js';

/**
 * Takes their requests back, so that nobody approves them any more. What was approved at the same time stays.
 * @param problem what the orders show
 */
export async function withdrawOrders(
  waiting: readonly OrderRecord[],
  problem: ProblemDocument,
  { exchange, account }: AccountRequest,
  { services, orders }: AcmeContext,
): Promise<void> {
  for (const record of waiting) {
    const { requestId } = record;
    if (requestId === null) continue;
    try {
      await services.withdraw({
        ...originOf(exchange),
        protocol: 'acme',
        requester: `acme-account:${account.id}`,
        pending: requestId,
        reason: problem.detail,
        accompanying: [orders.proceed({ ...unchanged(record), status: 'invalid', error: JSON.stringify(problem) })],
      });
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
    }
  }
}
