/** Writes the stored configuration as a document that `gatehouse apply` takes back. */
import { Document } from 'yaml';
import type { CredentialRecord } from '../store/credential-repository.js';
import type { Store } from '../store/store.js';
import { toPem } from '../x509/pem.js';
import { isBuiltInTemplate } from './built-in-templates.js';
import { openIdentifier } from './credential-definition.js';
import { catalogKinds, type Json, kindsInOrder } from './objects.js';
import { readStoredCatalog } from './stored.js';

/** What else is exported. */
interface FurtherExport {
  /** By their names in a document. */
  readonly lists: ReadonlyMap<string, readonly Json[]>;
  /** Lines that tell what is left out. */
  readonly withheld: readonly string[];
}

/**
 * Exports the configuration as YAML, and further lists after it. Built-in templates are left out; credentials are without their secrets, which nobody
 * gets back. Secrets that were made beside the configuration are no part of it: they are counted in comments.
 * Applying the export changes nothing where it came from; elsewhere secrets have to be added.
 */
export async function exportCatalog(
  store: Pick<Store, 'catalog' | 'credentials'>,
  further: FurtherExport = { lists: new Map(), withheld: [] },
): Promise<string> {
  const { objects } = await readStoredCatalog(store);
  const lists = new Map<string, Json[]>();
  const withheld: string[] = [];
  for (const kind of kindsInOrder) {
    for (const { name, written } of objects[kind].values()) {
      if (kind === 'template' && isBuiltInTemplate(name)) {
        continue;
      }
      const list = lists.get(catalogKinds[kind].list) ?? [];
      lists.set(catalogKinds[kind].list, list);
      if (kind !== 'authentication-policy') {
        list.push(written);
        continue;
      }
      const records = await store.credentials.listByPolicy({ authenticationPolicy: name });
      const usable = records.filter(({ revokedAt }) => revokedAt === null);
      const credentials = usable.filter(isConfiguration).map(writeCredential);
      list.push(credentials.length === 0 ? written : { ...written, credentials });
      withheld.push(...describeWithheld(name, usable));
    }
  }
  withheld.push(...further.withheld);
  const document = new Document(Object.fromEntries([...lists, ...further.lists]));
  document.commentBefore = [
    ' Configuration exported by `gatehouse export`; `gatehouse apply -f` takes it back.',
    ...(withheld.length === 0 ? [] : [' Made beside it, and not in it:', ...withheld]),
  ].join('\n');
  // Text from before may hold the characters that mean a variable.
  return document.toString({ lineWidth: 120 }).replaceAll('${', () => '$${');
}

/** Secrets that are made one by one may be many, and are meant for this gateway alone. */
function isConfiguration({ source, certificate }: CredentialRecord): boolean {
  return source === 'catalog' || certificate !== null;
}

/** The member that holds what a credential of the kind is found by. */
const identifierNames = new Map([
  ['cmp-secret', 'reference'],
  ['acme-account-key', 'keyId'],
  ['key-wrap-key', 'identifier'],
]);

function writeCredential(record: CredentialRecord): Json {
  const { kind, name, username, certificate, usageLimit, notBefore, notAfter, allowedAddresses, registeredValues } =
    record;
  const identifier = openIdentifier(record);
  return {
    kind,
    name,
    ...(username === null ? {} : { username }),
    ...(identifier === undefined ? {} : { [identifierNames.get(kind) ?? 'identifier']: identifier }),
    ...(certificate === null ? {} : { certificate: toPem('CERTIFICATE', certificate) }),
    ...(usageLimit === null ? {} : { usageLimit }),
    ...(notBefore === null ? {} : { notBefore: new Date(notBefore).toISOString() }),
    ...(notAfter === null ? {} : { notAfter: new Date(notAfter).toISOString() }),
    ...(allowedAddresses === null ? {} : { allowedAddresses: JSON.parse(allowedAddresses) }),
    ...(registeredValues === null ? {} : { registeredValues: JSON.parse(registeredValues) }),
  };
}

function describeWithheld(authenticationPolicy: string, records: readonly CredentialRecord[]): string[] {
  const byKind = new Map<string, string[]>();
  for (const record of records) {
    const { kind, name } = record;
    if (!isConfiguration(record)) {
      byKind.set(kind, [...(byKind.get(kind) ?? []), name]);
    }
  }
  return [...byKind].map(([kind, names]) => {
    const some = names.slice(0, shownNames).join(', ');
    const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : '';
    return `   ${authenticationPolicy}: ${kind} ${some}${more}`;
  });
}

const shownNames = 20;
