/** From what an operation answers to what goes over the wire. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { HttpError } from '../errors.js';
import { fitForLog } from '../fit-for-log.js';
import { matchesEntityTag, matchesStrongly } from '../http/entity-tag.js';
import { handOver } from './hand-over.js';
import type { Answer, Operation } from './operation.js';
import { hasBody } from './read-body.js';

/** Below which all paths of operations are. */
export const basePath = '/api/v1';

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string | Uint8Array | Readable;
  /** To be called once the client certainly has all of a body that is read. */
  readonly delivered?: () => Promise<void>;
}

/** @throws HttpError 412 for a GET under an If-Match that does not hold */
export function replyTo(operation: Operation, answer: Answer<unknown>, request: IncomingMessage): ApiReply {
  const { status = operation.status, value, content, location } = answer;
  const headers: Record<string, string> = {
    'Cache-Control': 'no-store',
    ...(location === undefined ? {} : { Location: `${basePath}${location}` }),
  };
  if (content !== undefined) {
    headers['Content-Type'] = content.type;
    if (content.fileName !== undefined) headers['Content-Disposition'] = attachment(content.fileName);
    const { body, delivered } = content;
    return { status, headers, body, ...(delivered ? { delivered } : {}) };
  }
  if (value === undefined) return { status, headers, body: '' };
  const body = JSON.stringify(value);
  headers['Content-Type'] = 'application/json';
  if (!operation.isTagged) return { status, headers, body };
  const tag = tagOf(body);
  headers.ETag = tag;
  if (operation.method !== 'get') return { status, headers, body };
  requireMatch(request, value);
  if (!matchesEntityTag(request.headers['if-none-match'], tag)) return { status, headers, body };
  return { status: 304, headers: { ETag: tag, 'Cache-Control': 'no-store' }, body: '' };
}

/** RFC 9110 13.1.1. @throws HttpError 412 */
export function requireMatch({ headers }: Pick<IncomingMessage, 'headers'>, current: unknown): void {
  const ifMatch = headers['if-match'];
  if (ifMatch === undefined || (current !== undefined && matchesStrongly(ifMatch, tagOf(JSON.stringify(current)))))
    return;
  throw new HttpError(412, 'invalid-state', 'it is not what If-Match names any more; read it again');
}

/** Sends the whole reply. @throws whatever the body throws, after the connection has been ended */
export async function send(
  request: IncomingMessage,
  response: Response,
  { status, headers, body, delivered }: ApiReply,
): Promise<void> {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (leavesTooMuch(request) || status === 408) response.setHeader('Connection', 'close');
  const isEmpty = request.method === 'HEAD' || status === 204 || status === 304;
  if (!(body instanceof Readable)) {
    if (status !== 204 && status !== 304) response.setHeader('Content-Length', Buffer.byteLength(body));
    response.writeHead(status).end(isEmpty ? undefined : body);
    return;
  }
  response.statusCode = status;
  if (isEmpty) {
    body.destroy();
    response.end();
    return;
  }
  response.setTimeout(idleMilliseconds, () => response.destroy());
  if (delivered === undefined) await pipeline(body, response);
  else if (await handOver(body, response)) await delivered();
}

/** A body that nobody reads any more is taken in only where that is little: nothing could follow it on this connection. */
function leavesTooMuch({ headers, complete }: IncomingMessage): boolean {
  return hasBody(headers) && !complete && !(Number(headers['content-length']) <= mostLeftOver);
}

const mostLeftOver = 64 * 1024;
/** How long a client may take between two portions of what it reads. */
const idleMilliseconds = 120_000;

function tagOf(json: string): string {
  return `"${createHash('sha256').update(json).digest('base64url')}"`;
}

/** RFC 6266 4: the plain name for who knows no other form. */
function attachment(fileName: string): string {
  const name = fitForLog(fileName);
  const plain = name.replace(/[^A-Za-z0-9._ -]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"${plain === name ? '' : `; filename*=UTF-8''${encoded}`}`;
}
