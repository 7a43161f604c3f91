/** Bodies of several parts (RFC 2046 5.1). */

import { randomBytes } from 'node:crypto';

export interface BodyPart {
  /** Header fields of the part, by name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Writes `multipart/mixed`: the body, and the media type that names its boundary. */
export function encodeMultipart(parts: readonly BodyPart[]): { readonly contentType: string; readonly body: string } {
  const boundary = chooseBoundary(parts);
  const written = parts.map((part) => `--${boundary}\r\n${encodePart(part)}\r\n`);
  return { contentType: `multipart/mixed; boundary=${boundary}`, body: `${written.join('')}--${boundary}--\r\n` };
}

function encodePart({ headers, body }: BodyPart): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${fields.join('')}\r\n${body}`;
}

/** RFC 2046 5.1.1: the boundary must occur in no part. Hexadecimal, so that it needs no quotes. */
function chooseBoundary(parts: readonly BodyPart[]): string {
  for (;;) {
    const boundary = randomBytes(16).toString('hex');
    if (!parts.some((part) => part.body.includes(boundary))) return boundary;
  }
}
