/** Bodies of requests to the management API: JSON, or a stream of something else; bounded in size and time. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Path } from '../catalog/objects.js';
import { GatewayError, HttpError } from '../errors.js';
import { type JsonObject, parseJsonObject } from '../http/json.js';
import { parseMediaType } from '../http/media-type.js';
import { readBody, tooLarge } from '../http/request-body.js';
import { InvalidFieldsError } from './invalid-fields.js';
import type { Operation } from './operation.js';

const usualLimit = 1024 * 1024;
/** A filter of device groups alone may have ten levels. */
const maximumDepth = 32;
const patienceMilliseconds = 30_000;
/** Between two portions of a stream. */
const idleMilliseconds = 60_000;

/** Refuses, before anything is read, what would be refused afterwards. @throws HttpError 413 or 415 */
export function checkBody(operation: Operation, { headers }: IncomingMessage): void {
  if (!hasBody(headers)) return;
  const limit = bodyLimitOf(operation);
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new HttpError(415, 'malformed-request', 'a Content-Encoding is not taken here; send the body as it is');
  }
  const types = bodyTypesOf(operation);
  const type = parseMediaType(headers['content-type']);
  const charset = type?.parameters.get('charset')?.toLowerCase();
  if (type === undefined || !types.includes(type.type) || (!operation.streams && !isUtf8(charset))) {
    throw new HttpError(415, 'malformed-request', `the body has to be ${types.join(' or ')}; Content-Type says so`);
  }
}

/** What a body may be, the usual one first. */
export function bodyTypesOf({ streams, method }: Pick<Operation, 'streams' | 'method'>): readonly string[] {
  if (streams) return streams.types;
  return method === 'patch' ? ['application/merge-patch+json', 'application/json'] : ['application/json'];
}

/** The JSON of a request that has passed {@link checkBody}; undefined where it has no body. @throws GatewayError */
export async function readJson(operation: Operation, request: IncomingMessage): Promise<JsonObject | undefined> {
  if (!hasBody(request.headers)) return undefined;
  const octets = await inTime(readBody(request, bodyLimitOf(operation)));
  if (octets.length === 0) return undefined;
  const value = parse(octets);
  const fault = findFault(value);
  if (fault) throw new InvalidFieldsError(400, [fault]);
  return value;
}

/**
 * The octets of a request that has passed {@link checkBody}. Reading it throws HttpError 413 beyond the limit, and GatewayError
 * `malformed-request` when the client stops in the middle. Whoever stops reading leaves the connection open for the answer.
 * @param atEnd called once all octets are there, before whoever reads learns that there are no more; what it throws, reading throws
 */
export function openStream(request: IncomingMessage, limit: number, atEnd: () => Promise<void>): Readable {
  request.setTimeout(idleMilliseconds, () => request.destroy());
  request.once('end', () => request.setTimeout(0));
  return Readable.from(within(request, limit, atEnd), { objectMode: false });
}

async function* within(request: IncomingMessage, limit: number, atEnd: () => Promise<void>): AsyncGenerator<Buffer> {
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('malformed-request', 'the request body ended early', { cause });
  }
  await atEnd();
}

function bodyLimitOf({ streams, bodyLimit = usualLimit }: Operation): number {
  return streams?.bodyLimit ?? bodyLimit;
}

export function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function isUtf8(charset: string | undefined): boolean {
  return charset === undefined || charset === 'utf-8' || charset === 'utf8';
}

async function inTime(reading: Promise<Uint8Array>): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const tooSlow = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new HttpError(408, 'malformed-request', 'the request body did not arrive in time')),
      patienceMilliseconds,
    );
  });
  try {
    return await Promise.race([reading, tooSlow]);
  } finally {
    clearTimeout(timer);
  }
}

function parse(octets: Uint8Array): JsonObject {
  try {
    return parseJsonObject(octets, 'the request body', maximumDepth);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new GatewayError('malformed-request', cause.message, { cause });
    throw cause;
  }
}

interface Fault {
  readonly path: Path;
  readonly message: string;
}

/**
 * What schemas would overlook: a member with the name that objects have their prototype under, and half a surrogate pair, which
 * JSON can write, and neither UTF-8 nor the database can.
 */
function findFault(value: unknown): Fault | undefined {
  if (typeof value === 'string') return halfPair.test(value) ? { path: [], message: notUnicode } : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, '__proto__')) return { path: ['__proto__'], message: 'is not known here' };
  const steps = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [step, each] of steps) {
    if (typeof step === 'string' && halfPair.test(step)) return { path: [], message: notUnicode };
    const fault = findFault(each);
    if (fault) return { path: [step, ...fault.path], message: fault.message };
  }
  return undefined;
}

const halfPair = /\p{Cs}/u;
const notUnicode = 'has half of a surrogate pair, which is no character; leave it out';
