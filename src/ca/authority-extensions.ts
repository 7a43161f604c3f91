/** What the configuration of a CA puts into its certificate, besides what every CA certificate has. */
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { encodeNameConstraints, readNameConstraints } from '../x509/encode-name-constraints.js';
import { encodeExtension } from '../x509/extensions.js';
import { encodeQualifiedPolicies } from '../x509/location-extensions.js';
import { idCeCertificatePolicies, idCeNameConstraints } from '../x509/oids.js';
import { cpsUrlOf } from './locations.js';

/**
 * Each a whole DER Extension.
 * @param publicHttpUrl the base of the URL of its CPS, where it has none of its own
 * @throws RangeError for what cannot be encoded
 */
export function authorityExtensions(config: CertificateAuthorityConfig, publicHttpUrl: string): readonly Uint8Array[] {
  const { certificatePolicies, nameConstraints } = config;
  const extensions: Uint8Array[] = [];
  if (certificatePolicies !== undefined) {
    const usualCps = cpsUrlOf(config, publicHttpUrl);
    const value = encodeQualifiedPolicies(certificatePolicies.map((policy) => ({ cps: usualCps, ...policy })));
    extensions.push(encodeExtension({ id: idCeCertificatePolicies, critical: false, value }));
  }
  if (nameConstraints !== undefined) {
    const value = encodeNameConstraints(readNameConstraints(nameConstraints, refuse));
    // RFC 5280 4.2.1.10: who cannot process them must not accept the certificate.
    extensions.push(encodeExtension({ id: idCeNameConstraints, critical: true, value }));
  }
  return extensions;
}

function refuse(path: readonly (string | number)[], message: string): never {
  throw new RangeError(`${path.join('.')} ${message}`);
}
