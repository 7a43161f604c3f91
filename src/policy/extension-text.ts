/** The value of a custom extension between text, as profiles and patterns know it, and DER. */
import type { ExtensionRule } from '../model/certificate-profile.js';
import { readString } from '../x509/character-strings.js';
import { DerError, DerReader } from '../x509/der.js';
import { ia5String, octetString, printableString, unsignedInteger, utf8String } from '../x509/der-writer.js';

export type ExtensionEncoding = ExtensionRule['encoding'];

/**
 * Encodes a value: text as it is, `integer` from decimal digits, `octets` and `der` from hex.
 * Undefined when the text does not fit the encoding.
 */
export function encodeExtensionText(encoding: ExtensionEncoding, text: string): Uint8Array | undefined {
  if (text.length > maximumLength) return undefined;
  try {
    switch (encoding) {
      case 'utf8':
        return utf8String(text);
      case 'printable':
        return printableString(text);
      case 'ia5':
        return ia5String(text);
      case 'integer':
        return /^(0|[1-9][0-9]{0,77})$/.test(text) ? unsignedInteger(hexBytes(evenHex(BigInt(text)))) : undefined;
      case 'octets':
        return isHex(text) ? octetString(hexBytes(text)) : undefined;
      case 'der':
        return isHex(text) ? DerReader.decode(hexBytes(text), (r) => r.element()) : undefined;
    }
  } catch (error) {
    if (error instanceof RangeError || error instanceof DerError) return undefined;
    throw error;
  }
}

/** Decodes a requested value to the text that encodeExtensionText takes. @throws DerError */
export function decodeExtensionText(encoding: ExtensionEncoding, der: Uint8Array): string {
  if (der.length > maximumLength) throw new DerError('extension too long', 0);
  return DerReader.decode(der, (r) => {
    switch (encoding) {
      case 'integer':
        return BigInt(`0x${hex(r.unsignedInteger())}`).toString();
      case 'octets':
        return hex(r.octetString());
      case 'der':
        return hex(r.element());
      default:
        return readString(r).value;
    }
  });
}

const maximumLength = 4096;

function isHex(text: string): boolean {
  return /^([0-9A-Fa-f]{2})+$/.test(text);
}

function evenHex(value: bigint): string {
  const digits = value.toString(16);
  return digits.length % 2 === 1 ? `0${digits}` : digits;
}

function hexBytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
