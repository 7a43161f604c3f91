/** Bodies in base64 (RFC 8951 3), and the other forms that clients are known to send. */

import { GatewayError } from '../../src/errors.js';

/**
 * Returns the DER of a request body: base64 with or without white space (RFC 8951 3.1), the same in PEM armour with one
 * of these labels, or the DER itself. What it is shows from the bytes: any Content-Transfer-Encoding is to be ignored.
 * @throws GatewayError `malformed-request`
 */
export function decodeBody(body: Uint8Array, pemLabels: readonly string[]): Uint8Array {
  if (body.length === 0) throw new GatewayError('malformed-request', 'the request has no body');
  if (isBinary(body)) return body;
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1').replace(whiteSpace, '');
  const base64 = text.startsWith('-----') ? withoutArmour(text, pemLabels) : text;
  if (base64 === undefined || base64.length % 4 > 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new GatewayError('malformed-request', 'the request body is not base64');
  }
  return Buffer.from(base64, 'base64');
}

/** One line: strongSwan 5.9 does not skip line breaks, and senders need not insert any (RFC 8951 3.1). */
export function encodeBody(der: Uint8Array): string {
  return Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
}

const whiteSpace = /[\t\n\r ]+/g;

/** A SEQUENCE of 128 octets or more, or of indefinite length: its second octet is no character of base64. */
function isBinary(body: Uint8Array): boolean {
  return body[0] === 0x30 && (body[1] ?? 0) >= 0x80;
}

/** `text` is without white space already, the boundary lines included. */
function withoutArmour(text: string, labels: readonly string[]): string | undefined {
  for (const label of labels) {
    const begin = `-----BEGIN ${label}-----`.replaceAll(' ', '');
    const end = `-----END ${label}-----`.replaceAll(' ', '');
    if (text.startsWith(begin) && text.endsWith(end)) return text.slice(begin.length, -end.length);
  }
  return undefined;
}
