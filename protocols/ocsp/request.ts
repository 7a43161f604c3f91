/** The OCSPRequest of an HTTP request: the body of a POST, the end of a GET's path (RFC 6960 A.1, RFC 5019 5). */
import { GatewayError } from '../../src/errors.js';
import type { Exchange } from '../../src/protocol.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeOcspRequest, type OcspRequest } from '../../src/x509/ocsp-request.js';

/** @throws GatewayError `malformed-request` */
export function readRequest({ method, path, body }: Pick<Exchange, 'method' | 'path' | 'body'>): OcspRequest {
  const der = method === 'POST' ? body : decodePath(path);
  return decoding('the OCSP request', () => decodeOcspRequest(der));
}

/** Nobody has to send more by GET: beyond 255 characters a request is posted (RFC 5019 5). */
const maximumText = 1_024;

/**
 * Reads base64 behind the generation, of which clients and proxies escape all that is no letter or digit, some of it or nothing:
 * slashes, also two in a row, are part of it, and a blank was a plus sign.
 */
function decodePath(path: string): Uint8Array {
  const text = /^(?:https?:\/\/[^/]*)?\/ocsp\/[^/]+\/(.+)$/.exec(path)?.[1] ?? '';
  if (text.length > maximumText) {
    throw new GatewayError('malformed-request', `a request of more than ${maximumText} characters has to be posted`);
  }
  const base64 = unescapeOnce(text)
    .replaceAll(' ', '+')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/]+$/.test(base64) || base64.length % 4 === 1) {
    throw new GatewayError('malformed-request', 'the end of the path is not a request in base64');
  }
  return Buffer.from(base64, 'base64');
}

/** Escapes that are none stay as they are, and are no base64. */
function unescapeOnce(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
