/** One request to a management API, and its answer. */
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';

export interface ApiMessage {
  readonly method?: string;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is no text and no octets goes as JSON. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON of the answer; undefined where there is none. */
  readonly body: unknown;
  readonly requestId: string;
}

/** @param request that of node:http or node:https @param where host, port and agent */
export function sendMessage(
  request: (options: RequestOptions) => ClientRequest,
  where: RequestOptions,
  { method = 'GET', key = '', headers = {}, body }: ApiMessage,
): Promise<ApiAnswer> {
  const isJson = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
  const octets = body === undefined ? undefined : isJson ? JSON.stringify(body) : body;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...where,
      method,
      headers: {
        ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
        ...(isJson ? { 'content-type': 'application/json' } : {}),
        ...(octets === undefined ? {} : { 'content-length': Buffer.byteLength(octets) }),
        ...headers,
      },
    });
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve(readAnswer(incoming, Buffer.concat(chunks).toString())));
    });
    outgoing.on('error', reject);
    outgoing.end(octets);
  });
}

function readAnswer({ statusCode = 0, headers }: IncomingMessage, text: string): ApiAnswer {
  const isJson = /^application\/(problem\+)?json(;|$)/.test(headers['content-type'] ?? '');
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined;
  return { status: statusCode, headers, text, body, requestId: String(headers['x-request-id'] ?? '') };
}
