/** How a generation signs certificates: with its key, in its name, as its CA is configured. */
import type { SignatureHash } from '../keys/signer.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { ApprovedIssuance } from '../policy/decide.js';
import { decodeCertificate } from '../x509/certificate.js';
import type { RsaPadding } from '../x509/signature-algorithms.js';
import { randomSerialNumber } from '../x509/tbs-certificate.js';
import type { SigningGeneration } from './generations.js';
import { locationsOf } from './locations.js';
import { type IssuedCertificate, type SigningIssuer, signCertificate } from './sign-certificate.js';

export interface SignatureForm {
  readonly hash: SignatureHash;
  /** Of RSA keys; PKCS #1 v1.5 where undefined. */
  readonly rsaPadding: RsaPadding | undefined;
}

/** What a CA that is not configured any more has to sign, it signs in the usual way. */
export function signatureFormOf(
  { ca, usualHash }: Pick<SigningGeneration, 'ca' | 'usualHash'>,
  configs: ReadonlyMap<string, CertificateAuthorityConfig>,
): SignatureForm {
  const config = configs.get(ca);
  return { hash: config?.signatureHash ?? usualHash, rsaPadding: config?.rsaPadding };
}

export function signingIssuerOf(
  generation: SigningGeneration,
  crlPartition: number,
  configs: ReadonlyMap<string, CertificateAuthorityConfig>,
): SigningIssuer {
  const locations = locationsOf(generation, configs.get(generation.ca));
  return {
    id: generation.id,
    name: generation.certificate.subject,
    signer: generation.signer,
    ...signatureFormOf(generation, configs),
    authorityKeyIdentifier: generation.authorityKeyIdentifier,
    locations: [locations.crlDistributionPoints(crlPartition), locations.authorityInfoAccess],
  };
}

/**
 * Signs the certificate of a CA, whatever state the generation is in that does: also one whose key was brought.
 * @throws GatewayError 'internal' for what is not approved for this generation; of the key
 */
export async function signAuthorityCertificate(
  issuance: ApprovedIssuance,
  generation: SigningGeneration,
  configs: ReadonlyMap<string, CertificateAuthorityConfig>,
): Promise<IssuedCertificate> {
  const crlPartition = 0;
  const der = await signCertificate(issuance, signingIssuerOf(generation, crlPartition, configs), randomSerialNumber());
  return { der, serialNumber: decodeCertificate(der).serialNumber, issuerId: generation.id, crlPartition };
}
