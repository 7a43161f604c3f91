/** newOrder, and orders as they are shown (RFC 8555 7.4). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';

export async function newOrder(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}

export async function showOrder(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
