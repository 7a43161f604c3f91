/** Responses to challenges (RFC 8555 7.5.1). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';

export async function challenge(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
