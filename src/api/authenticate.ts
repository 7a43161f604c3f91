/** What a request to the management API authenticates itself with. */
import type { IncomingHttpHeaders } from 'node:http';
import type { PresentedAccess } from '../access/authenticate.js';
import type { Principal } from '../access/principal.js';
import { GatewayError } from '../errors.js';
import { parseBasicCredentials } from '../http/basic-credentials.js';

/** @throws GatewayError `bad-secret` or `rate-limited` */
export type Authenticate = (presented: PresentedAccess) => Promise<Principal>;

/** The challenges of a 401 (RFC 9110 11.6.1). */
export const challenges: readonly string[] = ['Bearer realm="gatehouse"', 'Basic realm="gatehouse", charset="UTF-8"'];

interface Client {
  readonly remoteAddress: string;
  /** Empty where the client presented no certificate, or is not asked for one. */
  readonly clientChain: readonly Uint8Array[];
}

/**
 * @throws GatewayError `bad-secret` when there is nothing, or nothing that can be read; `malformed-request` when there are two
 */
export function readPresented(headers: IncomingHttpHeaders, { remoteAddress, clientChain }: Client): PresentedAccess {
  const { authorization } = headers;
  const [keyHeader] = [headers['x-api-key']].flat();
  if (authorization !== undefined && keyHeader !== undefined) {
    throw new GatewayError('malformed-request', 'give either Authorization or X-API-Key, not both');
  }
  const certificate = clientChain.length === 0 ? {} : { clientChain };
  if (keyHeader !== undefined) return { apiKey: readKey(keyHeader), ...certificate, remoteAddress };
  if (authorization !== undefined) return { ...readAuthorization(authorization), ...certificate, remoteAddress };
  if (clientChain.length === 0) {
    throw new GatewayError(
      'bad-secret',
      'nobody is authenticated; send an API key as Authorization: Bearer, or user name and password as Basic',
    );
  }
  return { ...certificate, remoteAddress };
}

function readAuthorization(header: string): Pick<PresentedAccess, 'apiKey' | 'basic'> {
  const token = header.length > longestKey + 10 ? undefined : /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(header)?.[1];
  if (token !== undefined) return { apiKey: readKey(token) };
  const basic = parseBasicCredentials(header);
  if (basic !== undefined) return { basic };
  throw new GatewayError('bad-secret', 'the Authorization header is neither Bearer with an API key nor Basic');
}

function readKey(text: string): string {
  if (text === '' || text.length > longestKey) throw new GatewayError('bad-secret', 'the API key is none of ours');
  return text;
}

const longestKey = 500;
