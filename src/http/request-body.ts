/** Reads a request's body within its route's limit. */
import type { IncomingMessage } from 'node:http';
import { GatewayError, HttpError } from '../errors.js';

/**
 * @throws HttpError 413 as soon as the limit is known to be passed; the rest is not read.
 * @throws GatewayError `malformed-request` when the client stops in the middle.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) {
        request.removeAllListeners('data');
        request.pause();
        reject(tooLarge(limit));
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', (cause) =>
      reject(new GatewayError('malformed-request', 'the request body ended early', { cause })),
    );
    request.on('aborted', () => reject(new GatewayError('malformed-request', 'the request body ended early')));
  });
}

export function tooLarge(limit: number): HttpError {
  return new HttpError(
    413,
    'malformed-request',
    `the request body is larger than the ${limit} bytes that are accepted here`,
  );
}
