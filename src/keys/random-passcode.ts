/** Passcodes that the gateway makes. */
import { randomBytes } from 'node:crypto';

/** A passcode of 130 random bits, in groups of lower-case letters and digits that can be read out and typed. */
export function randomPasscode(): string {
  let characters = '';
  for (const octet of randomBytes(length)) {
    characters += alphabet[octet & 31];
  }
  return (characters.match(/.{1,5}/g) ?? []).join('-');
}

const length = 26;
// Crockford's base32, without i, l, o and u; 32 characters, so that the low five bits of a random octet choose evenly.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
