/** revokeCert (RFC 8555 7.6). */
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext, KeyRequest } from './context.js';

export async function revokeByAccount(_request: AccountRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}

export async function revokeByKey(_request: KeyRequest, _context: AcmeContext): Promise<Answer> {
  throw new Error('not built yet');
}
