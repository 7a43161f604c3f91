/** An OCSP client over plain HTTP, which sends paths as they are given: fetch would tidy them up. */
import { request } from 'node:http';
import { type ReadResponse, readOcspResponse } from './ocsp-message.js';
import type { TestGateway } from './test-gateway.js';

export interface OcspAnswer {
  readonly httpStatus: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly requestId: string;
  /** OCSPResponseStatus; undefined where there is no OCSPResponse. */
  readonly code: number | undefined;
  /** Of the successful ones. */
  readonly response: ReadResponse | undefined;
}

interface Message {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export function sendOcsp(
  { gateway }: TestGateway,
  { method = 'GET', path, headers = {}, body }: Message,
): Promise<OcspAnswer> {
  const port = gateway.listeners.deviceHttpPort;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const all = Buffer.concat(chunks);
        const isOcsp = incoming.headers['content-type'] === 'application/ocsp-response' && all.length > 0;
        const read = isOcsp ? readOcspResponse(all) : undefined;
        resolve({
          httpStatus: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: all,
          requestId: String(incoming.headers['x-request-id'] ?? ''),
          code: read?.code,
          response: read?.response,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** @param generation in the URL */
export function postOcsp(
  test: TestGateway,
  body: Uint8Array,
  { generation = 'devices-1', headers = {} }: { generation?: string; headers?: Message['headers'] } = {},
): Promise<OcspAnswer> {
  const contentType = { 'content-type': 'application/ocsp-request' };
  return sendOcsp(test, {
    method: 'POST',
    path: `/ocsp/${generation}`,
    headers: { ...contentType, ...headers },
    body,
  });
}

/** With everything escaped that base64 has besides letters and digits (RFC 5019 5). */
export function getOcsp(
  test: TestGateway,
  body: Uint8Array,
  { generation = 'devices-1', headers = {} }: { generation?: string; headers?: Message['headers'] } = {},
): Promise<OcspAnswer> {
  const text = encodeURIComponent(Buffer.from(body).toString('base64'));
  return sendOcsp(test, { path: `/ocsp/${generation}/${text}`, headers });
}
