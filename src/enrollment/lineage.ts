/** Lineages: a certificate and all that renewed it, each with the key of the one before. */
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { EnrollmentServices } from './services.js';

/** The id of the first certificate of a lineage, which names it. @throws GatewayError `forbidden` for one that is too long */
export async function findLineage(
  certificate: Pick<CertificateRecord, 'id' | 'replaces'>,
  { store }: Pick<EnrollmentServices, 'store'>,
): Promise<string> {
  let { id, replaces } = certificate;
  for (let renewals = 0; replaces !== null; renewals++) {
    const earlier = renewals < maximumRenewals ? await store.certificates.findById({ id: replaces }) : undefined;
    if (earlier === undefined) {
      throw new GatewayError(
        'forbidden',
        'the certificate was renewed too often for a revocation passphrase: enroll anew',
      );
    }
    ({ id, replaces } = earlier);
  }
  return id;
}

const maximumRenewals = 1000;
