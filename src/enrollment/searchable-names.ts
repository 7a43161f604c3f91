/** Subject alternative names as the inventory is searched by them. */
import { DerError } from '../x509/der.js';
import type { Extension } from '../x509/extensions.js';
import { findExtension } from '../x509/extensions.js';
import { decodeGeneralNames, formatGeneralName } from '../x509/general-names.js';
import { idCeSubjectAltName } from '../x509/oids.js';

/** Lines `type:value` in lower case, with a line feed before the first and after the last; empty where there are none. */
export function searchableNames(extensions: readonly Extension[]): string {
  const lines = alternativeNamesOf(extensions);
  return lines.length === 0 ? '' : `\n${lines.map((line) => line.toLowerCase().replaceAll('\n', ' ')).join('\n')}\n`;
}

/** One line each: the type, a colon, the value. What cannot be read is left out. */
export function alternativeNamesOf(extensions: readonly Extension[]): string[] {
  const found = findExtension(extensions, idCeSubjectAltName);
  if (found === undefined) return [];
  try {
    return decodeGeneralNames(found.value).map(formatGeneralName);
  } catch (error) {
    if (error instanceof DerError) return [];
    throw error;
  }
}
