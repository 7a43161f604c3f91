/** Writes CBOR (RFC 8949) in its canonical form, as far as attestation objects have need of it. */

export type CborValue =
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [member: string]: CborValue | undefined };

/** Members that are undefined are left out. */
export function cbor(value: CborValue): Uint8Array {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)]);
  const members = Object.entries(value).flatMap(([name, each]) =>
    each === undefined ? [] : [[cbor(name), cbor(each)]],
  );
  return Buffer.concat([head(5, members.length), ...members.flat()]);
}

/** The head of a value: its major type, and a number in as few octets as it needs. */
export function head(major: number, number: number): Uint8Array {
  const type = major << 5;
  if (number < 24) return Uint8Array.of(type | number);
  if (number < 0x100) return Uint8Array.of(type | 24, number);
  if (number < 0x10000) return Uint8Array.of(type | 25, number >> 8, number & 0xff);
  const out = Buffer.alloc(5);
  out[0] = type | 26;
  out.writeUInt32BE(number, 1);
  return out;
}
