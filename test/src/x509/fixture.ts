import { readFileSync } from 'node:fs';

/** Reads a file of fixtures/x509 (tests run in the project's folder). */
export function x509Fixture(name: string): Uint8Array {
  return Uint8Array.from(readFileSync(`fixtures/x509/${name}`));
}

/** Variants of valid DER: cut short, with a byte behind it, with another tag. */
export function damaged(der: Uint8Array): [string, Uint8Array][] {
  const wrongTag = Uint8Array.from(der);
  wrongTag[0] = 0x31;
  return [
    ['empty', new Uint8Array()],
    ['truncated', der.subarray(0, der.length - 1)],
    ['trailing', Buffer.concat([der, Buffer.of(0)])],
    ['wrong tag', wrongTag],
  ];
}
