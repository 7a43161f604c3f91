/** Reads payloads. Members that nobody asks for are passed over (RFC 8555 7.4, 7.5.1). */
import type { z } from 'zod';
import { decodeBase64url } from './jws/base64url.js';
import { AcmeError } from './problem.js';

/** @throws AcmeError `malformed` */
export function readPayload<Payload>(schema: z.ZodType<Payload>, payload: unknown): Payload {
  const read = schema.safeParse(payload);
  if (read.success) return read.data;
  const path = read.error.issues[0]?.path.join('.');
  throw new AcmeError(
    'malformed',
    path ? `"${path}" of the payload is missing or malformed` : 'the payload is malformed',
  );
}

/** Decodes base64url without padding (RFC 7515 2). @throws AcmeError `malformed` */
export function readOctets(text: string, member: string): Uint8Array {
  const octets = decodeBase64url(text);
  if (octets === undefined || octets.length === 0) {
    throw new AcmeError('malformed', `"${member}" must be base64url without padding`);
  }
  return octets;
}
