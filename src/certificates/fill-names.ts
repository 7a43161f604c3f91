/** Catches up with certificates that were issued before their alternative names were kept for searching. */
import { setImmediate } from 'node:timers/promises';
import { searchableNames } from '../enrollment/searchable-names.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { decodeCertificate } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';

/** Returns how many it has read; fewer than there are if they are many: the next call goes on. */
export async function fillNames({ store }: Pick<EnrollmentServices, 'store'>): Promise<number> {
  let filled = 0;
  for (let batch = 0; batch < maximumBatches; batch++) {
    const unnamed = await store.certificates.unnamed({ limit: batchSize });
    if (unnamed.length === 0) break;
    await store.commit({
      statements: unnamed.map(({ id, der }) => store.certificates.setNames({ id, names: namesIn(der) })),
      audit: [],
    });
    filled += unnamed.length;
    await setImmediate();
  }
  return filled;
}

/** So many that the writes of the gateway are not kept waiting for long. */
const batchSize = 200;
const maximumBatches = 50;

function namesIn(der: Uint8Array): string {
  try {
    return searchableNames(decodeCertificate(der).extensions);
  } catch (error) {
    if (error instanceof DerError) return '';
    throw error;
  }
}
