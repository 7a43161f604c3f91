/** JWS in the flattened JSON serialization (RFC 7515 7.2.2), as far as RFC 8555 6.2 has it: what it says, not whether it is true. */

import { isJsonObject, type JsonObject, parseJsonObject } from '../json.js';
import { AcmeError } from '../problem.js';
import { decodeBase64url } from './base64url.js';

export interface JwsMessage {
  readonly header: JwsHeader;
  readonly payload: Uint8Array;
  /** As sent, in base64url. */
  readonly encoded: { readonly protected: string; readonly payload: string; readonly signature: string };
}

/** The protected header; what is not known of it is ignored (RFC 7515 4), but nothing critical can be. */
interface JwsHeader {
  readonly alg: string;
  readonly url?: string;
  readonly nonce?: string;
  readonly kid?: string;
  readonly jwk?: unknown;
}

/** @param subject what a sentence calls it @throws AcmeError `malformed` */
export function readJws(value: unknown, subject: string): JwsMessage {
  if (!isJsonObject(value))
    throw new AcmeError('malformed', `${subject} must be a JWS in flattened JSON serialization`);
  const forbidden = ['header', 'signatures'].find((name) => name in value);
  if (forbidden !== undefined) {
    throw new AcmeError(
      'malformed',
      `${subject} must have one signature and no unprotected header, but has "${forbidden}"`,
    );
  }
  const encoded = {
    protected: textOf(value, 'protected', subject),
    payload: textOf(value, 'payload', subject),
    signature: textOf(value, 'signature', subject),
  };
  const octetsOf = (name: keyof typeof encoded) => decode(encoded[name], name, subject);
  const header = readHeader(parseJsonObject(octetsOf('protected'), `the protected header of ${subject}`), subject);
  octetsOf('signature');
  return { header, payload: octetsOf('payload'), encoded };
}

function readHeader(header: JsonObject, subject: string): JwsHeader {
  // RFC 7515 4.1.11 and RFC 7797: neither may be ignored, and there is no extension here that may be critical.
  const unknown = ['crit', 'b64'].find((name) => name in header);
  if (unknown !== undefined) {
    throw new AcmeError('malformed', `the protected header of ${subject} has "${unknown}", which is not taken here`);
  }
  const optional = (name: 'url' | 'nonce' | 'kid') =>
    header[name] === undefined ? {} : { [name]: textOf(header, name, `the protected header of ${subject}`) };
  return {
    alg: textOf(header, 'alg', `the protected header of ${subject}`),
    ...optional('url'),
    ...optional('nonce'),
    ...optional('kid'),
    ...(header.jwk === undefined ? {} : { jwk: header.jwk }),
  };
}

function textOf(object: JsonObject, name: string, subject: string): string {
  const text = object[name];
  if (typeof text === 'string') return text;
  throw new AcmeError('malformed', `${subject} must have "${name}", a string`);
}

function decode(text: string, name: string, subject: string): Uint8Array {
  const octets = decodeBase64url(text);
  if (octets === undefined)
    throw new AcmeError('malformed', `"${name}" of ${subject} is not base64url without padding`);
  return octets;
}
