/** What is done every minute: validations that were left over, and what has expired. */
import type { AcmeContext } from './context.js';

export async function keepHouse(_context: AcmeContext, _now: Date): Promise<void> {
  throw new Error('not built yet');
}
