/** When and how a CA publishes its CRLs. */
import { type CertificateAuthorityConfig, certificateAuthoritySchema } from '../model/certificate-authority.js';

export type CrlTiming = CertificateAuthorityConfig['crl'];

/** A CA that is no longer configured still has to tell what it revoked. */
export function timingOf(
  generation: { readonly ca: string },
  configs: ReadonlyMap<string, CertificateAuthorityConfig>,
): CrlTiming {
  return configs.get(generation.ca)?.crl ?? certificateAuthoritySchema.shape.crl.parse(undefined);
}
