/** JWS in the flattened JSON serialization (RFC 7515 7.2.2), wrong ones included. */
import type { JwsKey } from './account-key.js';

export interface FlattenedJws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** Members by name; one that is undefined is left out. */
export type Header = Readonly<Record<string, unknown>>;

/**
 * Signs a message. `alg` is the key's unless the header has another.
 * @param payload JSON is made of it; undefined is the empty payload of a POST-as-GET (RFC 8555 6.3), octets are taken as they are
 */
export function signJws(key: JwsKey, header: Header | string, payload: unknown): FlattenedJws {
  const text = typeof header === 'string' ? header : JSON.stringify({ alg: key.alg, ...header });
  const parts = { protected: base64url(text), payload: base64url(octetsOf(payload)) };
  const signature = key.sign(`${parts.protected}.${parts.payload}`);
  return { ...parts, signature: base64url(signature) };
}

export function base64url(value: Uint8Array | string): string {
  return Buffer.from(value).toString('base64url');
}

function octetsOf(payload: unknown): Uint8Array | string {
  if (payload === undefined) return '';
  return payload instanceof Uint8Array ? payload : JSON.stringify(payload);
}
