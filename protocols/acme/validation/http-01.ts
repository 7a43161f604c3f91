/** http-01 (RFC 8555 8.3; RFC 8738 5 for addresses). */
import { timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { OutboundResponse } from '../../../src/outbound/outbound-client.js';
import { hostOf } from '../../../src/outbound/url-host.js';
import { AcmeError } from '../problem.js';
import { type Attempt, connectionProblem, connectionTo, type ValidationTask } from './attempt.js';

/**
 * What was fetched is never repeated to the client, nor where redirects lead beyond the host: the gateway may reach servers
 * that the client does not (RFC 8555 10.4).
 */
export async function validateHttp(attempt: Attempt): Promise<void> {
  const { identifier, keyAuthorization } = attempt.task;
  const own = challengeUrl(attempt.task);
  const { url, response } = await fetchFollowing(own, attempt);
  const seen = `the http-01 challenge of ${identifier.value} was answered by ${url.host}`;
  // Of a page that a redirect has chosen, status and length would tell whether it is there, and what is in it.
  const isOwnPage = url.pathname === own.pathname && url.search === '';
  if (response.status !== 200 && isOwnPage) {
    const detail = `${seen} with status ${response.status}; serve the key authorization there, with status 200`;
    throw new AcmeError('incorrectResponse', detail);
  }
  // The server should ignore white space at the end.
  const body = Buffer.from(Buffer.from(response.body).toString('latin1').trimEnd(), 'latin1');
  const expected = Buffer.from(keyAuthorization);
  if (response.status === 200 && body.length === expected.length && timingSafeEqual(body, expected)) return;
  if (!isOwnPage) {
    const detail = `${seen}, where a redirect led, with something else than status 200 and the key authorization; serve that there`;
    throw new AcmeError('incorrectResponse', detail);
  }
  const detail = `${seen} with ${response.body.length} bytes that are not the key authorization; serve nothing but the ${expected.length} bytes of it`;
  throw new AcmeError('incorrectResponse', detail);
}

async function fetchFollowing(first: URL, attempt: Attempt): Promise<{ url: URL; response: OutboundResponse }> {
  const { task } = attempt;
  const visited = new Set<string>();
  let url = first;
  for (;;) {
    visited.add(url.href);
    const response = await get(url, visited.size > 1, attempt);
    if (!redirects.has(response.status)) return { url, response };
    const target = redirectTarget(response, url, task);
    if (visited.has(target.href))
      throw new AcmeError(
        'connection',
        `${url.host} redirects in a loop, back to ${target.host}; answer the challenge`,
      );
    if (visited.size > maximumRedirects)
      throw new AcmeError(
        'connection',
        `more than ${maximumRedirects} redirects, the last to ${target.host}; use fewer`,
      );
    url = target;
  }
}

function challengeUrl({ identifier: { type, value }, token, settings }: ValidationTask): URL {
  const host = isIPv6(value) ? `[${value}]` : value;
  const text = `http://${host}:${settings.httpPort}/.well-known/acme-challenge/${token}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A name such as 127.1 or 0x7f000001 would be taken for an address.
  if (url === undefined || (type === 'dns' && url.hostname !== value))
    throw new AcmeError('rejectedIdentifier', `${value} is no host name of a URL; use dns-01 for it`);
  return url;
}

async function get(url: URL, isRedirected: boolean, attempt: Attempt): Promise<OutboundResponse> {
  try {
    return await attempt.outbound.request({
      url: url.href,
      method: 'GET',
      headers: { accept: '*/*', 'user-agent': 'gatehouse-acme-validation' },
      maximumResponseBytes: maximumBodyBytes,
      // Nothing but the first request is said to prove anything, and that has no TLS.
      verifyServer: false,
      ...(await connectionTo(hostOf(url), attempt)),
    });
  } catch (error) {
    const problem = connectionProblem(
      error,
      hostOf(url),
      `answer http-01 challenges on port ${attempt.task.settings.httpPort}`,
    );
    if (!isRedirected || !(problem instanceof AcmeError)) throw problem;
    // The name has done nothing wrong: its server may come to redirect elsewhere.
    const type = problem.type === 'rejectedIdentifier' ? 'connection' : problem.type;
    throw new AcmeError(type, `after a redirect: ${problem.message}`, { cause: problem.cause });
  }
}

function redirectTarget({ headers }: OutboundResponse, from: URL, { settings }: ValidationTask): URL {
  const { location = '' } = headers;
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to === undefined || location === '')
    throw new AcmeError(
      'incorrectResponse',
      `${from.host} redirects to no URL; have it name one in its Location header`,
    );
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new AcmeError(
      'connection',
      `${from.host} redirects to a scheme that is not followed; redirect to http or https`,
    );
  const port = to.port === '' ? (to.protocol === 'https:' ? 443 : 80) : Number(to.port);
  const ports = [...new Set([80, 443, settings.httpPort, settings.tlsPort])];
  if (!ports.includes(port))
    throw new AcmeError('connection', `${from.host} redirects to port ${port}; redirect to one of ${ports.join(', ')}`);
  to.hash = '';
  return to;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const maximumRedirects = 10;
const maximumBodyBytes = 16 * 1024;
