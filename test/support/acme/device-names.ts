/** Writes the names of devices (RFC 4043, RFC 4108) with none of our own encoders, wrong ones included. */
import type { TestExtension } from '../make-chain.js';

/** UTF8String and OID of a PermanentIdentifier, whose DER content it takes as hex. */
export function permanentIdentifier(value?: string, assignerHex?: string): Uint8Array {
  const assigner = assignerHex === undefined ? [] : [der(0x06, Buffer.from(assignerHex, 'hex'))];
  return der(0x30, ...(value === undefined ? [] : [der(0x0c, Buffer.from(value))]), ...assigner);
}

/** Of hwType 1.3.6.1.4.1.55555.1, unless told otherwise. */
export function hardwareModuleName(serialHex: string, typeHex = '2b0601040183b20301'): Uint8Array {
  return der(0x30, der(0x06, Buffer.from(typeHex, 'hex')), der(0x04, Buffer.from(serialHex, 'hex')));
}

/** An otherName: the last arc of its type below id-on, and its value. */
export type DeviceName = readonly [arc: 3 | 4, value: Uint8Array];

/** A subjectAltName of such names. */
export function deviceAltName(...names: readonly DeviceName[]): TestExtension {
  const otherNames = names.map(([arc, value]) => {
    const typeId = der(0x06, Uint8Array.of(0x2b, 6, 1, 5, 5, 7, 8, arc));
    return der(0xa0, typeId, der(0xa0, value));
  });
  return { id: '2.5.29.17', critical: false, value: der(0x30, ...otherNames) };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Uint8Array.from([tag, ...length, ...content]);
}
