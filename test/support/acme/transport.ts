/** HTTPS for an ACME client: any bytes to any URL, and what comes back. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface AcmeMessage {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface AcmeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body's JSON; undefined where the media type is none of JSON. */
  readonly json: unknown;
  readonly links: readonly Link[];
  readonly location: string | undefined;
  readonly nonce: string | undefined;
  /** Seconds; undefined if there is none, NaN for a date. */
  readonly retryAfter: number | undefined;
}

/** RFC 8288 */
export interface Link {
  readonly url: string;
  readonly relation: string;
}

export interface TransportOptions {
  /** PEM of the roots to trust. */
  readonly roots: string;
  /** The loopback address to connect from. */
  readonly localAddress?: string;
  /** Whether the server's certificate has to be valid now; its issuer is looked at in any case. Default: true. */
  readonly isRealTime?: boolean;
}

export interface Transport {
  send(url: string, message?: AcmeMessage): Promise<AcmeAnswer>;
  close(): void;
}

export function createTransport({ roots, localAddress, isRealTime = true }: TransportOptions): Transport {
  const agent = new Agent({ keepAlive: true, ca: roots, rejectUnauthorized: isRealTime });
  return {
    send: (url, { method = 'GET', headers = {}, body = '' } = {}) =>
      new Promise((resolve, reject) => {
        const options = { method, agent, family: 4, headers: { 'user-agent': 'gatehouse-test', ...headers } };
        const outgoing = request(url, { ...options, ...(localAddress !== undefined && { localAddress }) });
        outgoing.on('response', (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => resolve(answerOf(incoming, Buffer.concat(chunks))));
          incoming.on('error', reject);
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

function answerOf({ statusCode = 0, headers, headersDistinct }: IncomingMessage, body: Buffer): AcmeAnswer {
  const text = body.toString('utf8');
  const retryAfter = headers['retry-after'];
  return {
    status: statusCode,
    headers,
    body,
    text,
    json: /^application\/(?:[a-z.+-]+\+)?json\b/.test(headers['content-type'] ?? '') ? JSON.parse(text) : undefined,
    links: (headersDistinct.link ?? []).flatMap(parseLinks),
    location: headers.location,
    nonce: headersDistinct['replay-nonce']?.[0],
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

/** Of a Link header, which may hold several. */
function parseLinks(value: string): Link[] {
  return [...value.matchAll(/<([^>]*)>((?:\s*;\s*[a-z*-]+=(?:"[^"]*"|[^\s",;]+))*)/g)].map(
    ([, url = '', parameters = '']) => {
      const [, quoted, plain = ''] = /;\s*rel=(?:"([^"]*)"|([^\s",;]+))/.exec(parameters) ?? [];
      return { url, relation: quoted ?? plain };
    },
  );
}
