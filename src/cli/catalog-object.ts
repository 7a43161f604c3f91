/** Objects of the configuration as commands show them. */
import { stringify } from 'yaml';
import type { CatalogKind, CatalogObject } from '../catalog/objects.js';
import { readStoredCatalog } from '../catalog/stored.js';
import type { Store } from '../store/store.js';
import { CommandLineError } from './command-line-error.js';
import { jsonLines } from './table.js';

/** Those of a kind, by name. */
export async function listObjects<K extends CatalogKind>(
  kind: K,
  store: Pick<Store, 'catalog'>,
): Promise<readonly CatalogObject<K>[]> {
  const { objects } = await readStoredCatalog(store);
  return [...objects[kind].values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws CommandLineError naming those that there are */
export async function findObject<K extends CatalogKind>(
  kind: K,
  name: string,
  store: Pick<Store, 'catalog'>,
): Promise<CatalogObject<K>> {
  const objects = await listObjects(kind, store);
  const found = objects.find((object) => object.name === name);
  if (found) return found;
  const known = objects.map((object) => object.name).join(', ') || 'none';
  throw new CommandLineError(`there is no ${kind.replaceAll('-', ' ')} "${name}"; there are: ${known}`);
}

/** As it is written in a configuration file, with what else is known of it in comments. */
export function objectYaml({ written }: CatalogObject, facts: readonly string[] = []): string {
  const comments = facts.map((fact) => `# ${fact}`);
  return [...comments, stringify(written, { lineWidth: 120 }).trimEnd()].join('\n');
}

/** With every default filled in. */
export function objectJson({ value }: CatalogObject, facts: object = {}): string {
  return jsonLines([{ ...value, ...facts }]);
}
