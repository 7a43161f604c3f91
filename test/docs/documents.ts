/** The pages of docs that are made, not written. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationReference } from './configuration-reference.js';

/** By their names in the folder docs. */
export const madeDocuments: Readonly<Record<string, () => string>> = {
  'configuration-reference.md': configurationReference,
};

/** The repository's folder docs, from wherever this file was compiled to. */
export function documentFile(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'docs', 'architecture.md'))) folder = dirname(folder);
  return join(folder, 'docs', name);
}
