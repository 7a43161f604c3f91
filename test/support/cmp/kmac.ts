/** KMAC (NIST SP 800-185 4) from Keccak itself, for node:crypto has neither it nor cSHAKE. Slow, and independent. */

/** @param strength 128 or 256; the length is in octets */
export function kmac(strength: 128 | 256, key: Uint8Array, data: Uint8Array, length: number, custom = ''): Buffer {
  const rate = strength === 128 ? 168 : 136;
  const prefix = bytepad(rate, encodedString(Buffer.from('KMAC')), encodedString(Buffer.from(custom, 'latin1')));
  const input = Buffer.concat([prefix, bytepad(rate, encodedString(key)), data, rightEncoded(length * 8)]);
  return sponge(rate, input, 0x04, length);
}

function sponge(rate: number, input: Uint8Array, suffix: number, length: number): Buffer {
  const padded = Buffer.alloc((Math.floor(input.length / rate) + 1) * rate);
  padded.set(input);
  padded[input.length] = suffix;
  padded[padded.length - 1] = (padded.at(-1) ?? 0) | 0x80;
  const lanes = new BigUint64Array(25);
  for (let block = 0; block < padded.length; block += rate) {
    for (let i = 0; i < rate / 8; i++) lanes[i] = lane(lanes, i) ^ padded.readBigUInt64LE(block + i * 8);
    permute(lanes);
  }
  const out = Buffer.alloc(Math.ceil(length / rate) * rate);
  for (let block = 0; block < out.length; block += rate) {
    if (block > 0) permute(lanes);
    for (let i = 0; i < rate / 8; i++) out.writeBigUInt64LE(lane(lanes, i), block + i * 8);
  }
  return out.subarray(0, length);
}

/** Keccak-f[1600] (FIPS 202 3.3), on lanes at x + 5y. */
function permute(lanes: BigUint64Array): void {
  for (const constant of roundConstants) {
    const column = five((x) => five((y) => lane(lanes, x + 5 * y)).reduce((a, b) => a ^ b));
    const spread = five((x) => lane(column, (x + 4) % 5) ^ rotated(lane(column, (x + 1) % 5), 1));
    const moved = new BigUint64Array(25);
    for (let x = 0; x < 5; x++) {
      for (let y = 0; y < 5; y++) {
        const value = lane(lanes, x + 5 * y) ^ lane(spread, x);
        moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotated(value, rotations[x + 5 * y] ?? 0);
      }
    }
    for (let i = 0; i < 25; i++) {
      const row = i - (i % 5);
      lanes[i] = lane(moved, i) ^ (~lane(moved, row + ((i + 1) % 5)) & lane(moved, row + ((i + 2) % 5)));
    }
    lanes[0] = lane(lanes, 0) ^ constant;
  }
}

function five(value: (index: number) => bigint): BigUint64Array {
  return BigUint64Array.from([0, 1, 2, 3, 4], value);
}

function lane(lanes: BigUint64Array, index: number): bigint {
  return lanes[index] ?? 0n;
}

function rotated(value: bigint, by: number): bigint {
  return BigInt.asUintN(64, (value << BigInt(by)) | (value >> BigInt(64 - by)));
}

/** FIPS 202 3.2.2 */
const rotations = rotationOffsets();

function rotationOffsets(): number[] {
  const offsets = new Array<number>(25).fill(0);
  for (let t = 0, x = 1, y = 0; t < 24; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return offsets;
}

/** FIPS 202 3.2.5: bit 2^j - 1 of each comes from a linear feedback shift register. */
const roundConstants = makeRoundConstants();

function makeRoundConstants(): bigint[] {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      if (register & 1) constant |= 1n << BigInt(2 ** j - 1);
      register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    }
    return constant;
  });
}

function encodedString(text: Uint8Array): Buffer {
  return Buffer.concat([leftEncoded(text.length * 8), text]);
}

function bytepad(width: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat([leftEncoded(width), ...parts]);
  return Buffer.concat([content, Buffer.alloc((width - (content.length % width)) % width)]);
}

function leftEncoded(value: number): Buffer {
  const octets = magnitude(value);
  return Buffer.concat([Buffer.of(octets.length), octets]);
}

function rightEncoded(value: number): Buffer {
  const octets = magnitude(value);
  return Buffer.concat([octets, Buffer.of(octets.length)]);
}

function magnitude(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}
