/** RFC 8894 section 4.1: operation and message of a query string, also in the forms that clients really send. */

import { GatewayError } from '../../src/errors.js';

export interface ScepQuery {
  /** As sent, undefined when absent. */
  readonly operation: string | undefined;
  /** Still escaped; undefined when absent. */
  readonly message: string | undefined;
}

/** Reads a query string; of two parameters with the same name the first counts. */
export function readQuery(query: string): ScepQuery {
  const operation = parameter(query, 'operation');
  return {
    operation: operation === undefined ? undefined : unescapeOnce(operation).trim(),
    message: parameter(query, 'message'),
  };
}

/**
 * Returns the octets of a message in base64. Known to be sent: line breaks (sscep, Cisco IOS), escapes of the padding
 * only (macOS), `+` as such (jscep) or turned into a blank by a proxy, base64url (micromdm), escapes of escapes.
 * Padding that is missing, or lost with the end of a cut escape, says nothing.
 * @throws GatewayError `malformed-request`
 */
export function decodeMessage(message: string): Uint8Array {
  const padded = unescapeOnce(unescapeOnce(message))
    .replace(/^["']|["']$|[\t\n\r]/g, '')
    .replaceAll(' ', '+')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/%[0-9A-Fa-f]?$/, '');
  const base64 = padded.slice(0, lastOther(padded, '=') + 1);
  if (!/^[A-Za-z0-9+/]+$/.test(base64) || base64.length % 4 === 1) {
    throw new GatewayError('malformed-request', 'the message of the query is not base64');
  }
  return Buffer.from(base64, 'base64');
}

/** The index of the last character that is another one; a pattern for it would take quadratic time. */
function lastOther(text: string, character: string): number {
  let index = text.length - 1;
  while (text[index] === character) index--;
  return index;
}

function parameter(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const end = pair.indexOf('=');
    if (end >= 0 && pair.slice(0, end).toLowerCase() === name) return pair.slice(end + 1);
  }
  return undefined;
}

/** Escapes that are none stay as they are. */
function unescapeOnce(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
