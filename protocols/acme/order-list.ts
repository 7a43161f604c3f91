/** The orders of an account (RFC 8555 7.1.2.1). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';

export async function listOrders(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
