/** A certificate with what is shown of it. */

import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { FoundCertificate } from '../store/certificate-search.js';
import { type CertificateJson, certificateJson, deviceNames } from './describe.js';
import { divisionOf } from './visible.js';

type Services = Pick<EnrollmentServices, 'store' | 'catalog' | 'clock'>;

/** As programs read them, in their order. */
export async function describeCertificates(
  records: readonly FoundCertificate[],
  { store, catalog, clock }: Services,
): Promise<CertificateJson[]> {
  const names = await deviceNames(records, store);
  const now = clock.now();
  return records.map((record) =>
    certificateJson(record, {
      device: record.deviceId === null ? null : (names.get(record.deviceId) ?? null),
      division: divisionOf(record.policy, catalog()) ?? null,
      now,
    }),
  );
}

/** @throws GatewayError `not-found` */
export async function describeCertificate(id: string, services: Services): Promise<CertificateJson> {
  const record = await services.store.certificates.findWithReplacement({ id });
  const [described] = await describeCertificates(record ? [record] : [], services);
  if (described === undefined) throw new GatewayError('not-found', 'the certificate is not on record any more');
  return described;
}
