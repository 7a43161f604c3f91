/** Signs CRLs: the only place where a CA's key meets a TBSCertList. */
import type { SignatureHash } from '../keys/signer.js';
import type { RevocationRecord } from '../store/certificate-record.js';
import { encodeCertificateList, encodeTbsCertList, type RevokedCertificate, revocationReasonOf } from '../x509/crl.js';
import { smallInteger } from '../x509/der-writer.js';
import type { Extension } from '../x509/extensions.js';
import { encodeIssuingDistributionPoint } from '../x509/location-extensions.js';
import { idCeAuthorityKeyIdentifier, idCeCrlNumber, idCeIssuingDistributionPoint } from '../x509/oids.js';
import { type RsaPadding, signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import type { SigningGeneration } from './generations.js';

export interface CertificateListContent {
  readonly hash: SignatureHash;
  /** Of RSA keys; PKCS #1 v1.5 where undefined. */
  readonly rsaPadding: RsaPadding | undefined;
  /** CRLNumber. */
  readonly number: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revocations: readonly RevocationRecord[];
  /** The URL of the distribution point whose certificates alone it covers; all of the issuer's name, if absent. */
  readonly scope?: string;
}

/** Builds and signs a full CRL; returns it as DER. */
export async function signCertificateList(
  generation: SigningGeneration,
  { hash, rsaPadding, number, thisUpdate, nextUpdate, revocations, scope }: CertificateListContent,
): Promise<Uint8Array> {
  const { certificate, signer } = generation;
  const signatureAlgorithm = signatureAlgorithmFor(signer.algorithm, hash, rsaPadding).identifier;
  const tbs = encodeTbsCertList({
    signatureAlgorithm,
    issuer: certificate.subject,
    thisUpdate,
    nextUpdate,
    revokedCertificates: revocations.map(entryOf),
    extensions: extensionsOf(generation, number, scope),
  });
  return encodeCertificateList(tbs, signatureAlgorithm, await signer.sign(tbs, hash, rsaPadding));
}

function extensionsOf(generation: SigningGeneration, number: number, scope: string | undefined): Extension[] {
  const extensions: Extension[] = [
    { id: idCeAuthorityKeyIdentifier, critical: false, value: generation.authorityKeyIdentifier },
    { id: idCeCrlNumber, critical: false, value: smallInteger(number) },
  ];
  if (scope === undefined) return extensions;
  // RFC 5280 5.2.5: critical, so that nobody takes a part for the whole.
  return [
    ...extensions,
    { id: idCeIssuingDistributionPoint, critical: true, value: encodeIssuingDistributionPoint({ url: scope }) },
  ];
}

function entryOf({ serialNumber, revokedAt, revocationReason, invalidityDate }: RevocationRecord): RevokedCertificate {
  const reason = revocationReasonOf(revocationReason ?? 0);
  return {
    serialNumber,
    revokedAt: new Date(revokedAt ?? 0),
    ...(reason !== undefined && { reason }),
    ...(invalidityDate !== null && { invalidityDate: new Date(invalidityDate) }),
  };
}
