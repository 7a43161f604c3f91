/** RFC 7292 section 4 and appendix B: the HMAC-SHA-256 that lets who knows the password see that a file is whole. */

import { createHmac, randomBytes } from 'node:crypto';
import { nullValue, octetString, oid, sequence, smallInteger } from '../x509/der-writer.js';
import { idSha256 } from '../x509/oids.js';
import { derivePkcs12Octets } from './pkcs12-kdf.js';

/** Encodes the MacData (DER) of these octets, under a key that comes from the password and a new random salt. */
export async function encodeMacData(content: Uint8Array, password: string): Promise<Uint8Array> {
  const salt = randomBytes(16);
  const key = await deriveMacKey(password, salt, iterations);
  const mac = createHmac('sha256', key).update(content).digest();
  return sequence(sequence(sha256, octetString(mac)), octetString(salt), smallInteger(iterations));
}

/** Appendix B.2 for a MAC key of SHA-256. Gives way to other work again and again. */
export function deriveMacKey(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
  const terminated = encodeBmp(`${password}\0`);
  return derivePkcs12Octets({ digest: 'sha256', purpose: 'mac', password: terminated, salt, iterations, length: 32 });
}

/**
 * The content octets of a BMPString. Characters beyond the BMP become surrogate pairs: X.680 has none in a BMPString,
 * but all readers make them of such a password.
 * @throws RangeError for half of a pair
 */
export function encodeBmp(text: string): Uint8Array {
  if (loneSurrogate.test(text)) throw new RangeError('no characters: half of a surrogate pair');
  return Buffer.from(text, 'utf16le').swap16();
}

// Java's number, five times OpenSSL's: 20 ms of the event loop. Guessing at the password is cheapest here, since a MAC
// that is harder (RFC 9579) is read by OpenSSL from 3.4 on only.
const iterations = 10_000;
const loneSurrogate = /\p{Surrogate}/u;
const sha256 = sequence(oid(idSha256), nullValue);
