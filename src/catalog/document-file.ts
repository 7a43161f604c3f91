/** Reads a configuration document, and the certificate files that it names, from disk. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type CatalogDocument, type DocumentSource, parseDocument } from './document.js';
import { DocumentError } from './problem.js';

/** @throws DocumentError also if the file cannot be read */
export function readDocumentFile(file: string, environment: DocumentSource['environment']): CatalogDocument {
  let text: string;
  try {
    text = readBounded(file);
  } catch (cause) {
    throw new DocumentError([`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
  return parseDocument({ file, text, environment, readFile: readBounded });
}

/** What is no plain file, such as a pipe, does not say beforehand how much it has. */
function readBounded(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const octets = Buffer.allocUnsafe(maximumBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, octets, length, octets.length - length, null);
      length += read;
      if (length > maximumBytes) throw new RangeError(`${file} is larger than ${maximumBytes} bytes`);
      if (read === 0) return octets.toString('utf8', 0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

const maximumBytes = 8_000_000;
