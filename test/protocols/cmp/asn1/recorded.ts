import { readdirSync, readFileSync } from 'node:fs';
import { decodePkiMessage, type PkiMessage } from '../../../../protocols/cmp/asn1/pki-message.js';

/** Reads a message of fixtures/cmp: `openssl-rr/01-rr` (tests run in the project's folder). */
export function recorded(name: string): Uint8Array {
  return Uint8Array.from(readFileSync(`fixtures/cmp/${name}.der`));
}

export function recordedMessage(name: string): PkiMessage {
  return decodePkiMessage(recorded(name));
}

/** The names of all recorded messages. */
export function recordedNames(): string[] {
  return readdirSync('fixtures/cmp', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.der'))
    .map((name) => name.slice(0, -'.der'.length))
    .sort();
}

/** The same bytes in memory of their own, for comparisons that look at the type. */
export function bytes(view: Uint8Array | undefined): Uint8Array {
  return Uint8Array.from(view ?? []);
}

/** Unless it is undefined: what a test goes on with. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a value was expected');
  return value;
}
