/** One request over HTTP or HTTPS, as the URL says. */
import { type Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SecureContext } from 'node:tls';

export interface ServerAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface SendOptions {
  /** False: a connection for this request alone. */
  readonly agent: Agent | false;
  readonly secureContext: SecureContext;
  readonly headers?: Readonly<Record<string, string>>;
}

/** POSTs `body`, or GETs where there is none. */
export function send(url: URL, options: SendOptions, body?: Uint8Array): Promise<ServerAnswer> {
  const request = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const method = body === undefined ? 'GET' : 'POST';
  const headers = body === undefined ? {} : { ...options.headers, 'Content-Length': String(body.length) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, method, headers, timeout: timeoutMilliseconds }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks) });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () =>
      sent.destroy(new Error(`${url.pathname}: no answer within ${timeoutMilliseconds / 1000} s`)),
    );
    sent.end(body);
  });
}

/** Without it a server that stops would stop the bench. */
const timeoutMilliseconds = 20_000;

/** What an answer that nobody wants says, in short. */
export function describeRefusal({ status, body }: ServerAnswer): string {
  return `${status}: ${body.toString('latin1').trim().slice(0, 200)}`;
}
