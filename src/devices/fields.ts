/** The identifiers and attributes of devices: what they may be, and how they are changed. */
import { z } from 'zod';
import { GatewayError } from '../errors.js';
import { nameSchema } from '../model/label.js';
import { hasUnsafeCharacters, quote } from '../policy/safe-text.js';

export type Fields = ReadonlyMap<string, string>;
/** By RFC 7396: values to set, and null for what is to go. */
export type FieldChanges = ReadonlyMap<string, string | null>;

const maximumFields = 32;
const longestValue = 255;
const texts = z.record(z.string(), z.string());

/** Those that the store keeps as JSON text. */
export function fieldsOf(json: string): Fields {
  return new Map(Object.entries(texts.parse(JSON.parse(json))));
}

export function fieldsJson(fields: Fields): string {
  return JSON.stringify(Object.fromEntries(fields));
}

/** @throws GatewayError `malformed-request` for what is too much, too long or not fit to be read */
export function requireFields(noun: 'identifier' | 'attribute', fields: Fields): void {
  if (fields.size > maximumFields) {
    throw new GatewayError('malformed-request', `a device has at most ${maximumFields} ${noun}s`);
  }
  for (const [name, value] of fields) {
    if (!nameSchema.safeParse(name).success) {
      throw new GatewayError(
        'malformed-request',
        `${quote(name)} cannot name an ${noun}: 1 to 64 of the characters A-Z a-z 0-9 . _ - are expected, a letter or digit first`,
      );
    }
    if (value === '' || value.length > longestValue || hasUnsafeCharacters(value)) {
      throw new GatewayError(
        'malformed-request',
        `the value of ${noun} ${name} is to be 1 to ${longestValue} characters, none of them invisible`,
      );
    }
  }
}

/** In the order that they had; new ones follow. */
export function withChanges(before: Fields, changes: FieldChanges): Fields {
  const after = new Map(before);
  for (const [name, value] of changes) {
    if (value === null) after.delete(name);
    else after.set(name, value);
  }
  return after;
}
