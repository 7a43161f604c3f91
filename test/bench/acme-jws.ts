/** Messages of ACME, flattened JWS by ES256 (RFC 8555 6.2), and the HMAC of an external account (RFC 8555 7.3.4). */
import { createHmac, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import type { ExternalAccount } from './load-job.js';

export interface AccountKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** RFC 7517, with its members as RFC 7638 sorts them. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** RFC 7638, SHA-256 in base64url. */
  readonly thumbprint: string;
}

/** P-256 */
export function makeAccountKey(): AccountKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { crv, kty, x, y };
  return { privateKey, publicKey, jwk, thumbprint: hash('sha256', JSON.stringify(jwk), 'base64url') };
}

export interface MessageHeader {
  readonly url: string;
  readonly nonce: string;
  /** Of the account; before it is there, the key takes its place. */
  readonly kid?: string;
}

/** @param payload base64url */
export function signMessage(
  { privateKey, jwk }: AccountKey,
  { url, nonce, kid }: MessageHeader,
  payload: string,
): Buffer {
  const signer = kid === undefined ? { jwk } : { kid };
  const header = encode(JSON.stringify({ alg: 'ES256', ...signer, nonce, url }));
  const signature = sign('sha256', signingInput(header, payload), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return Buffer.from(
    `{"protected":"${header}","payload":"${payload}","signature":"${signature.toString('base64url')}"}`,
  );
}

/** What is signed (RFC 7515 5.1); header and payload in base64url. */
export function signingInput(header: string, payload: string): Buffer {
  return Buffer.from(`${header}.${payload}`);
}

/** The member `externalAccountBinding` of newAccount. */
export function bindExternalAccount({ keyId, hmacKey }: ExternalAccount, { jwk }: AccountKey, url: string): object {
  const header = encode(JSON.stringify({ alg: 'HS256', kid: keyId, url }));
  const payload = encode(JSON.stringify(jwk));
  const mac = createHmac('sha256', Buffer.from(hmacKey, 'base64url')).update(signingInput(header, payload));
  return { protected: header, payload, signature: mac.digest('base64url') };
}

export function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}
