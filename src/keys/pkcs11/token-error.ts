/** What errors of a PKCS#11 library mean. */
import { fullCodes, lostCodes, pinCodes, unsupportedCodes } from './constants.js';
import { codeOf, messageOf } from './library.js';
import { TokenError, type TokenFailureKind } from './messages.js';

export function tokenErrorOf(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  const kind = kindOf(codeOf(error));
  // The library says CKR_… and which function it was; never what it was given.
  return new TokenError(kind, `${sentences[kind]} (${messageOf(error)})`);
}

const sentences: Readonly<Record<TokenFailureKind, string>> = {
  away: 'the token does not answer',
  pin: 'the token refuses the PIN',
  full: 'the token takes no more keys',
  unsupported: 'the token does not make such keys or signatures',
  'no-key': 'the token has no such key',
  fault: 'the token reports an error',
};

function kindOf(code: number | undefined): TokenFailureKind {
  if (code === undefined) return 'fault';
  if (lostCodes.has(code)) return 'away';
  if (pinCodes.has(code)) return 'pin';
  if (fullCodes.has(code)) return 'full';
  return unsupportedCodes.has(code) ? 'unsupported' : 'fault';
}
