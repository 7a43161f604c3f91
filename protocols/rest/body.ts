/** The bodies of requests: strict JSON, where whatever is wrong is named. */
import type { z } from 'zod';
import { GatewayError, HttpError } from '../../src/errors.js';
import { type JsonObject, parseJsonObject } from '../../src/http/json.js';
import { parseMediaType } from '../../src/http/media-type.js';
import type { Exchange } from '../../src/protocol.js';

/** @throws GatewayError `malformed-request`, with 415 for another media type */
export function readJsonBody({ headers, body }: Pick<Exchange, 'headers' | 'body'>): JsonObject {
  if (parseMediaType(headers['content-type'])?.type !== 'application/json') {
    throw new HttpError(415, 'malformed-request', 'the Content-Type of requests is application/json');
  }
  try {
    return parseJsonObject(body, 'the request body');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GatewayError('malformed-request', error.message, { cause: error.cause });
  }
}

/** @throws GatewayError `malformed-request` with the field's name */
export function checkMembers<Schema extends z.ZodType>(schema: Schema, members: JsonObject): z.output<Schema> {
  // The schemas would pass over it: it is no name of theirs, nor one that objects have for themselves.
  if (Object.hasOwn(members, '__proto__')) throw unknownField('__proto__');
  const parsed = schema.safeParse(members);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') throw unknownField([...path, issue.keys[0]].join('.'));
  throw new GatewayError('malformed-request', `the field ${quoted(path.join('.'))} is wrong: ${issue?.message}`);
}

function unknownField(name: string): GatewayError {
  return new GatewayError('malformed-request', `there is no field ${quoted(name)} in this request`);
}

/** Names that clients made up may be long, and have any characters. */
function quoted(name: string): string {
  return JSON.stringify(name.length > maximumName ? `${name.slice(0, maximumName)}…` : name);
}

const maximumName = 64;
