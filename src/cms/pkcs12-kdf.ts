/** RFC 7292 appendix B.2: how PKCS #12 makes keys of passwords. */

import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

export interface Pkcs12Derivation {
  readonly digest: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** What the octets are for (B.3). */
  readonly purpose: 'key' | 'iv' | 'mac';
  /** BMPString with its terminator; empty for what some writers take an empty password for (B.1). */
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** In octets. */
  readonly length: number;
}

/** Gives way to other work again and again, for it is nothing that the thread pool could do. */
export async function derivePkcs12Octets(derivation: Pkcs12Derivation): Promise<Buffer> {
  const { digest, purpose, password, salt, iterations, length } = derivation;
  const blockLength = digest === 'sha1' || digest === 'sha256' ? 64 : 128;
  const diversifier = Buffer.alloc(blockLength, purposes[purpose]);
  const input = Buffer.concat([fillBlocks(salt, blockLength), fillBlocks(password, blockLength)]);
  const output: Buffer[] = [];
  for (let done = 0; done < length; ) {
    let octets = hash(digest, Buffer.concat([diversifier, input]), 'buffer');
    for (let round = 1; round < iterations; round++) {
      if (round % iterationsPerTurn === 0) await setImmediate();
      octets = hash(digest, octets, 'buffer');
    }
    output.push(octets);
    done += octets.length;
    if (done < length) addToBlocks(input, octets, blockLength);
  }
  return Buffer.concat(output).subarray(0, length);
}

const purposes = { key: 1, iv: 2, mac: 3 } as const;
// A millisecond.
const iterationsPerTurn = 500;

/** Copies one after the other, until whole blocks are full. */
function fillBlocks(octets: Uint8Array, blockLength: number): Buffer {
  return Buffer.alloc(Math.ceil(octets.length / blockLength) * blockLength, octets);
}

/** B.2 step 6 C: I_j = (I_j + B + 1) mod 2^v. */
function addToBlocks(input: Buffer, octets: Uint8Array, blockLength: number): void {
  for (let block = 0; block < input.length; block += blockLength) {
    let carry = 1;
    for (let i = blockLength - 1; i >= 0; i--) {
      const sum = (input[block + i] ?? 0) + (octets[i % octets.length] ?? 0) + carry;
      input[block + i] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
