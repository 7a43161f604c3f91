/** newAuthz, and authorizations as they are shown and given up (RFC 8555 7.4.1, 7.5, 7.5.2). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';

export async function newAuthorization(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}

export async function authorization(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
