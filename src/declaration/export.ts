/** Writes what is stored as a document that `gatehouse apply` takes back. */
import { readGrants } from '../access/grants.js';
import { maximumDevices } from '../catalog/document.js';
import { exportCatalog } from '../catalog/export.js';
import type { Json } from '../catalog/objects.js';
import { readStoredCatalog } from '../catalog/stored.js';
import { fieldsOf } from '../devices/fields.js';
import { devicesInOrder } from '../devices/in-order.js';
import type { DeviceRecord } from '../store/device-record.js';
import { byName, type NamedPlace, namedPlaceOf } from '../store/named-order.js';
import type { Store } from '../store/store.js';
import { toPem } from '../x509/pem.js';

/** The configuration and the users, without secrets: API keys, which are secrets, are told by their names. */
export async function exportDocument(store: Store): Promise<string> {
  const users = await exportUsers(store);
  return await exportCatalog(store, {
    lists: new Map(users.length === 0 ? [] : [['users', users]]),
    withheld: await describeApiKeys(store),
  });
}

/** The list of devices, a line for each: however many there are, few are held at a time. It follows the rest of the document. */
export async function* exportDevices(store: Store): AsyncGenerator<string> {
  const { objects } = await readStoredCatalog(store);
  const counts = { written: 0, suspended: 0, retired: 0 };
  const order = { by: 'name', descending: false } as const;
  for await (const device of devicesInOrder([...objects.division.keys()], order, undefined, store)) {
    // They would come back as devices that may enroll.
    if (device.state === 'suspended' || device.state === 'retired') {
      counts[device.state]++;
      continue;
    }
    if (counts.written++ === 0) yield 'devices:\n';
    yield `  - ${JSON.stringify(writeDevice(device)).replaceAll('${', () => '$${')}\n`;
  }
  const { written, suspended, retired } = counts;
  if (suspended + retired > 0) yield `# Left out: ${suspended} suspended and ${retired} retired devices.\n`;
  if (written > maximumDevices) {
    yield `# These are ${written} devices; one file to apply may have ${maximumDevices}.\n`;
  }
}

function writeDevice({ name, groupName, identifiers, attributes }: DeviceRecord): Json {
  const fields = { identifiers: fieldsOf(identifiers), attributes: fieldsOf(attributes) };
  return {
    name,
    group: groupName,
    ...(fields.identifiers.size === 0 ? {} : { identifiers: Object.fromEntries(fields.identifiers) }),
    ...(fields.attributes.size === 0 ? {} : { attributes: Object.fromEntries(fields.attributes) }),
  };
}

async function exportUsers({ users }: Store): Promise<Json[]> {
  const list: Json[] = [];
  for (let after: NamedPlace | undefined; ; ) {
    const page = await users.list({ ...(after ? { after } : {}), limit: pageSize });
    for (const { id, name, displayName, grants, enabled } of page) {
      const certificates = await users.certificatesOf({ userId: id });
      list.push({
        name,
        ...(displayName === null ? {} : { displayName }),
        grants: readGrants(grants).map(({ role, division }) => ({ role, ...(division ? { division } : {}) })),
        enabled: enabled === 1,
        ...(certificates.length === 0
          ? {}
          : { certificates: certificates.map(({ der }) => ({ certificate: toPem('CERTIFICATE', der) })) }),
      });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return list;
    after = namedPlaceOf(last, byName);
  }
}

const pageSize = 200;
const shownKeys = 20;

async function describeApiKeys({ apiKeys }: Store): Promise<string[]> {
  const names: string[] = [];
  let count = 0;
  for (let after: NamedPlace | undefined; ; ) {
    const page = await apiKeys.list({ ...(after ? { after } : {}), limit: pageSize });
    for (const { name, revokedAt } of page) {
      if (revokedAt !== null) continue;
      count++;
      if (names.length < shownKeys) names.push(name);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) break;
    after = namedPlaceOf(last, byName);
  }
  if (count === 0) return [];
  return [`   API keys: ${names.join(', ')}${count > names.length ? ` and ${count - names.length} more` : ''}`];
}
