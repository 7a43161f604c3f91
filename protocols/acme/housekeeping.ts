/** What is done every ten seconds: validations that were left over, and what has expired. */
import { GatewayError } from '../../src/errors.js';
import type { AcmeContext } from './context.js';

/** Validations that begin here go on by themselves. @throws GatewayError `unavailable` */
export async function keepHouse(
  { services, authorizations, orders, validations }: AcmeContext,
  now: Date,
): Promise<void> {
  const due = await authorizations.due({ now: now.getTime(), limit: maximumValidations });
  for (const record of due) {
    try {
      await validations.resume(record);
    } catch (error) {
      // Too many are under way: it is tried again.
      if (!(error instanceof GatewayError && error.code === 'rate-limited')) throw error;
    }
  }
  const expired = { before: now.getTime() - keptMilliseconds, limit: maximumRemovals };
  await services.commit([
    orders.removeExpiredLinks(expired),
    orders.removeExpired(expired),
    authorizations.removeExpired(expired),
  ]);
}

/** For people who look into what went wrong. */
const keptMilliseconds = 7 * 86_400_000;

const maximumValidations = 100;
const maximumRemovals = 2000;
