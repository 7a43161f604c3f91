/** RFC 7292 section 4 and appendix B: the HMAC-SHA-256 that lets who knows the password see that a file is whole. */

import { createHmac, hash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { nullValue, octetString, oid, sequence, smallInteger } from '../x509/der-writer.js';
import { idSha256 } from '../x509/oids.js';

/** Encodes the MacData (DER) of these octets, under a key that comes from the password and a new random salt. */
export async function encodeMacData(content: Uint8Array, password: string): Promise<Uint8Array> {
  const salt = randomBytes(16);
  const key = await deriveMacKey(password, salt, iterations);
  const mac = createHmac('sha256', key).update(content).digest();
  return sequence(sequence(sha256, octetString(mac)), octetString(salt), smallInteger(iterations));
}

/**
 * Appendix B.2 for a MAC key of SHA-256. The key is as long as the digest, so that the first turn of step 6 is all.
 * Gives way to other work again and again, for it is nothing that the thread pool could do.
 */
export async function deriveMacKey(password: string, salt: Uint8Array, count: number): Promise<Uint8Array> {
  const diversifier = Buffer.alloc(blockLength, macKeyId);
  const terminated = encodeBmp(`${password}\0`);
  const input = Buffer.concat([diversifier, fillBlocks(salt), fillBlocks(terminated)]);
  let digest = hash('sha256', input, 'buffer');
  for (let done = 1; done < count; done++) {
    if (done % iterationsPerTurn === 0) await setImmediate();
    digest = hash('sha256', digest, 'buffer');
  }
  return digest;
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

/** Copies one after the other, until whole blocks are full. */
function fillBlocks(octets: Uint8Array): Buffer {
  return Buffer.alloc(Math.ceil(octets.length / blockLength) * blockLength, octets);
}

// Java's number, five times OpenSSL's: 20 ms of the event loop. Guessing at the password is cheapest here, since a MAC
// that is harder (RFC 9579) is read by OpenSSL from 3.4 on only.
const iterations = 10_000;
// A millisecond.
const iterationsPerTurn = 500;
const loneSurrogate = /\p{Surrogate}/u;
const blockLength = 64;
const macKeyId = 3;
const sha256 = sequence(oid(idSha256), nullValue);
