/** renewalInfo (RFC 9773). */
import type { Answer } from './answer.js';
import type { AcmeContext, AcmeRequest } from './context.js';

export async function renewalInfo(_request: AcmeRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
