/** Certificates with their chains (RFC 8555 7.4.2). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';

export async function certificate(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
