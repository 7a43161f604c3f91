/** Reads payloads. Members that nobody asks for are passed over (RFC 8555 7.4, 7.5.1). */
import type { z } from 'zod';
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
export function decodeBase64Url(text: string, member: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url');
  // Buffer passes over what is no base64url, and takes bits at the end that say nothing.
  if (text === '' || bytes.toString('base64url') !== text) {
    throw new AcmeError('malformed', `"${member}" must be base64url without padding`);
  }
  return bytes;
}
