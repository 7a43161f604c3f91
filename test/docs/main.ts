/** `npm run docs`: writes the pages of docs that are made from the code. */
import { writeFileSync } from 'node:fs';
import { documentFile, madeDocuments } from './documents.js';

for (const [name, make] of Object.entries(madeDocuments)) {
  writeFileSync(documentFile(name), make());
  process.stdout.write(`wrote docs/${name}\n`);
}
