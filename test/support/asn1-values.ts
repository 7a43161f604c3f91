/** Values of asn1js's objects, which say what they are not with an Error. */
import { type BaseBlock, BitString, Constructed, Integer, ObjectIdentifier, OctetString } from 'asn1js';

/** DER of an object. */
export function bytesOf(block: BaseBlock): Buffer {
  return Buffer.from(block.toBER());
}

/** The octets that an object was read from. */
export function originalOf({ valueBeforeDecodeView, blockLength }: BaseBlock): Buffer {
  return Buffer.from(valueBeforeDecodeView.subarray(0, blockLength));
}

/** The octets of an OCTET STRING, in pieces or not, or of a BIT STRING. */
export function octetsOf(block: unknown): Buffer {
  if (block instanceof OctetString) return Buffer.from(block.getValue());
  if (block instanceof BitString) return Buffer.from(block.valueBlock.valueHexView);
  throw new Error('no OCTET STRING');
}

/** What a SEQUENCE, SET or explicit tag has inside. */
export function partsOf(block: unknown): readonly BaseBlock[] {
  if (block instanceof Constructed) return block.valueBlock.value;
  throw new Error('no SEQUENCE');
}

/** In dotted digits. */
export function oidOf(block: unknown): string {
  if (block instanceof ObjectIdentifier) return block.getValue();
  throw new Error('no OBJECT IDENTIFIER');
}

export function smallIntegerOf(block: unknown): number {
  if (block instanceof Integer) return block.valueBlock.valueDec;
  throw new Error('no INTEGER');
}

/** The characters of a string of any kind of one octet each. */
export function textOf(block: BaseBlock): string {
  return 'getValue' in block && typeof block.getValue === 'function' ? String(block.getValue()) : '';
}
