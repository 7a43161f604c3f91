/** Signs the certificates of roots, each with its own key. */
import type { Signer } from '../keys/signer.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { ApprovedIssuance } from '../policy/decide.js';
import { decodeCertificate } from '../x509/certificate.js';
import { encodeAuthorityKeyIdentifier } from '../x509/extensions.js';
import { subjectKeyIdentifier } from '../x509/public-key.js';
import { randomSerialNumber } from '../x509/tbs-certificate.js';
import { type Generations, usualHashFor } from './generations.js';
import { locationsOf } from './locations.js';
import { type IssuedCertificate, signCertificate } from './sign-certificate.js';

/**
 * RFC 5280 3.2: self-signed, so that nothing in it points to a certificate above it. It says where its own CRL is, because OpenSSL asks
 * for that of a root as well (-crl_check_all), and takes one that names its distribution point for this certificate only then.
 */
export async function signRoot(
  issuance: ApprovedIssuance,
  signer: Signer,
  config: CertificateAuthorityConfig,
  generations: Generations,
): Promise<IssuedCertificate> {
  const crlPartition = 0;
  const located = { id: issuance.issuerId, ...generations.address };
  const issuer = {
    id: issuance.issuerId,
    name: issuance.subject,
    signer,
    hash: config.signatureHash ?? usualHashFor(signer.publicKey),
    rsaPadding: config.rsaPadding,
    authorityKeyIdentifier: encodeAuthorityKeyIdentifier({ keyIdentifier: subjectKeyIdentifier(signer.publicKey) }),
    locations: [locationsOf(located, config).crlDistributionPoints(crlPartition)],
  };
  const der = await signCertificate(issuance, issuer, randomSerialNumber());
  return { der, serialNumber: decodeCertificate(der).serialNumber, issuerId: issuer.id, crlPartition };
}
