/** Which certificates were issued here. */
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Store } from '../store/store.js';
import { type Certificate, decodeCertificate } from '../x509/certificate.js';

/**
 * The record of a certificate that was issued here. What has been signed counts, not the signature: from one of ECDSA anybody
 * can make another that is valid too, and so a copy with another fingerprint.
 */
export async function findIssued(
  { serialNumber, tbs }: Certificate,
  { certificates }: Pick<Store, 'certificates'>,
): Promise<CertificateRecord | undefined> {
  const namesakes = await certificates.findBySerial({ serialNumber });
  return namesakes.find(({ der }) => Buffer.compare(decodeCertificate(der).tbs, tbs) === 0);
}
