/** Reads the structures of a TPM (TPM 2.0 Library, part 2): numbers are big-endian, and a TPM2B has its size in front. */
import { refused } from './refused.js';

export interface TpmReader {
  /** An unsigned number of so many octets. */
  readonly number: (octets: 1 | 2 | 4) => number;
  readonly skip: (octets: number) => void;
  /** The content of a TPM2B, a view. */
  readonly sized: () => Uint8Array;
}

/**
 * Reads the whole of `bytes`; `name` is what messages call them.
 * @throws AcmeError `badAttestationStatement` for bytes that are missing or left over
 */
export function readTpmStructure<T>(name: string, bytes: Uint8Array, read: (reader: TpmReader) => T): T {
  let at = 0;
  const take = (octets: number): Uint8Array => {
    if (octets > bytes.length - at) throw refused(`${name} is truncated`);
    at += octets;
    return bytes.subarray(at - octets, at);
  };
  const number = (octets: number) => take(octets).reduce((value, octet) => value * 256 + octet, 0);
  const value = read({ number, skip: take, sized: () => take(number(2)) });
  if (at < bytes.length) throw refused(`${name} has trailing bytes`);
  return value;
}
