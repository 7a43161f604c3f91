/** What is on record as somebody may know of it who has rights in some divisions only. */
import type { Catalog } from '../catalog/catalog.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';

/**
 * The same store, for reading, without the certificates of other divisions: they are not found by id, serial number or key. A
 * certificate is of its policy's division; those of CAs, of the gateway itself and of policies that are gone are of none.
 */
export function withinDivisions(store: Store, divisions: ReadonlySet<string>, catalog: () => Catalog): Store {
  const { certificates } = store;
  const isOfThem = ({ policy }: CertificateRecord) => {
    const division = catalog().policies.get(policy)?.policy.division;
    return division !== undefined && divisions.has(division);
  };
  return {
    ...store,
    certificates: {
      ...certificates,
      findById: async (slot) => {
        const record = await certificates.findById(slot);
        return record && isOfThem(record) ? record : undefined;
      },
      findBySerial: async (slot) => (await certificates.findBySerial(slot)).filter(isOfThem),
      findByKey: async (slot) => (await certificates.findByKey(slot)).filter(isOfThem),
    },
  };
}
