/** Who asks: a passcode in headers of its own, the client certificate of the TLS connection, or both; or an API key. */
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
  const key = readApiKey(headers);
  if (key !== undefined) credentials.push({ kind: 'api-key', key });
  if (tls !== undefined && tls.clientChain.length > 0) {
    credentials.push({ kind: 'certificate', chain: tls.clientChain, proof: 'tls' });
  }
  return credentials;
}

/** The token68 of RFC 6750 2.1, or a header of its own for who cannot set that one. Other schemes mean nothing here. */
function readApiKey(headers: Exchange['headers']): string | undefined {
  const [, bearer] = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  const key = headers['x-api-key'];
  if (bearer !== undefined && key !== undefined) {
    throw new GatewayError('malformed-request', 'an API key comes in Authorization or in X-API-Key, not in both');
  }
  return bearer ?? key;
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
