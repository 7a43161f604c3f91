/** Who asks: a passcode in headers of its own, the client certificate of the TLS connection, or both. */
import { GatewayError } from '../../src/errors.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { Exchange } from '../../src/protocol.js';

/** As far as presented: the policy says which of them count. @throws GatewayError `malformed-request` */
export function readCredentials({ headers, tls }: Pick<Exchange, 'headers' | 'tls'>): PresentedCredential[] {
  const credentials: PresentedCredential[] = [];
  const password = readHeader('X-Passcode', headers['x-passcode']);
  // Like the empty user name of HTTP Basic over EST, where none is given.
  const username = readHeader('X-Username', headers['x-username']) ?? '';
  if (password !== undefined) credentials.push({ kind: 'password', username, password });
  if (tls !== undefined && tls.clientChain.length > 0) {
    credentials.push({ kind: 'certificate', chain: tls.clientChain, proof: 'tls' });
  }
  return credentials;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Header values come with a character for each octet; people's passcodes are in UTF-8. */
function readHeader(name: string, value: string | undefined): string | undefined {
  try {
    return value === undefined ? undefined : utf8.decode(Buffer.from(value, 'latin1'));
  } catch (cause) {
    throw new GatewayError('malformed-request', `the header ${name} is not UTF-8`, { cause });
  }
}
