/** Certificate serial numbers (RFC 5280 4.1.2.2): lower-case hex in the code, INTEGER on the wire. */

/**
 * The hex of an INTEGER's content octets: lower case, two digits per octet, no leading zero octet.
 * A negative number, which some old CAs issued, gets a minus sign before its magnitude.
 */
export function serialNumberHex(content: Uint8Array): string {
  const first = content[0] ?? 0;
  if (first < 0x80) return hex(content.length > 1 && first === 0 ? content.subarray(1) : content);
  const magnitude = (1n << BigInt(8 * content.length)) - BigInt(`0x${hex(content)}`);
  const digits = magnitude.toString(16);
  return `-${digits.length % 2 === 1 ? '0' : ''}${digits}`;
}

/** The magnitude that such hex stands for, big-endian. @throws RangeError when it is no even number of lower-case hex digits */
export function serialNumberBytes(serialNumber: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/.test(serialNumber)) throw new RangeError('no serial number');
  return Uint8Array.from(Buffer.from(serialNumber, 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
