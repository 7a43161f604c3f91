/** Reads a configuration document, and the certificate files that it names, from disk. */
import { readFileSync, statSync } from 'node:fs';
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

function readBounded(file: string): string {
  const { size } = statSync(file);
  if (size > maximumBytes) {
    throw new RangeError(`${file} is larger than ${maximumBytes} bytes`);
  }
  return readFileSync(file, 'utf8');
}

const maximumBytes = 8_000_000;
