/** What the configuration of a CA puts into its certificate, besides what every CA certificate has. */
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { encodeExtension } from '../x509/extensions.js';
import { encodeQualifiedPolicies } from '../x509/location-extensions.js';
import { idCeCertificatePolicies } from '../x509/oids.js';

/** Each a whole DER Extension. @throws RangeError for what cannot be encoded */
export function authorityExtensions({ certificatePolicies }: CertificateAuthorityConfig): readonly Uint8Array[] {
  if (certificatePolicies === undefined) return [];
  const value = encodeQualifiedPolicies(certificatePolicies);
  return [encodeExtension({ id: idCeCertificatePolicies, critical: false, value })];
}
