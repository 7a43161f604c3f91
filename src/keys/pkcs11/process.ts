/** A process of its own for a vendor's PKCS#11 library: what it does there, or breaks, the gateway survives. */
import { loadLibrary, type Pkcs11Library } from './library.js';
import type { TokenReply, TokenRequest } from './messages.js';
import { createToken, type Token } from './token.js';
import { tokenErrorOf } from './token-error.js';

const [, , modulePath = ''] = process.argv;
const tokens = new Map<string, Token>();
let library: Pkcs11Library | undefined;

function tokenOf(name: string): Token {
  library ??= loadLibrary(modulePath);
  const token = tokens.get(name) ?? createToken(library);
  tokens.set(name, token);
  return token;
}

async function answer({ number, token, operation }: TokenRequest): Promise<TokenReply> {
  try {
    return { number, result: await tokenOf(token.name).run(operation, token) };
  } catch (error) {
    const { kind, message, refusedPin } = tokenErrorOf(error);
    return { number, failure: { kind, message, ...(refusedPin === undefined ? {} : { refusedPin }) } };
  }
}

process.on('message', (request: TokenRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});
// The gateway ends it, when the last signature is made: what a terminal sends to all of its processes is not for this one.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());
