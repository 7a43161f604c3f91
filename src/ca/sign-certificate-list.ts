/** Signs CRLs: the only place where a CA's key meets a TBSCertList. */
import { hash as digest } from 'node:crypto';
import { encodeCertificateList, encodeTbsCertList } from '../x509/crl.js';
import { smallInteger } from '../x509/der-writer.js';
import type { Extension } from '../x509/extensions.js';
import { encodeCrlDistributionPoints, encodeIssuingDistributionPoint } from '../x509/location-extensions.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeCrlNumber,
  idCeDeltaCrlIndicator,
  idCeFreshestCrl,
  idCeIssuingDistributionPoint,
} from '../x509/oids.js';
import { signatureAlgorithmFor } from '../x509/signature-algorithms.js';
import type { SigningGeneration } from './generations.js';
import type { SignatureForm } from './signing-issuer.js';

export interface CertificateListContent extends SignatureForm {
  /** CRLNumber. */
  readonly number: number;
  /** Of a delta: the number of the full CRL that it tells the changes since. */
  readonly baseNumber?: number;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** DER, one after the other. */
  readonly entries: Uint8Array;
  /** The URLs of the distribution point whose certificates alone it covers; all of the issuer's name, if there are none. */
  readonly scope: readonly string[];
  /** Of a full CRL: the URLs of its delta. */
  readonly freshest?: readonly string[];
}

interface SignedCertificateList {
  readonly der: Uint8Array;
  /** A strong entity tag (RFC 9110 8.8.3), quotes included: from the signature, which is short and is no other list's. */
  readonly etag: string;
}

/** Builds and signs a CRL. */
export async function signCertificateList(
  generation: SigningGeneration,
  content: CertificateListContent,
): Promise<SignedCertificateList> {
  const { certificate, signer } = generation;
  const { hash, rsaPadding, thisUpdate, nextUpdate, entries } = content;
  const signatureAlgorithm = signatureAlgorithmFor(signer.algorithm, hash, rsaPadding).identifier;
  const tbs = encodeTbsCertList({
    signatureAlgorithm,
    issuer: certificate.subject,
    thisUpdate,
    nextUpdate,
    entries,
    extensions: extensionsOf(generation, content),
  });
  const signature = await signer.sign(tbs, hash, rsaPadding);
  return {
    der: encodeCertificateList(tbs, signatureAlgorithm, signature),
    etag: `"${digest('sha256', signature, 'base64url')}"`,
  };
}

function extensionsOf(
  { authorityKeyIdentifier }: SigningGeneration,
  { number, baseNumber, scope, freshest }: CertificateListContent,
): Extension[] {
  const extensions: Extension[] = [
    { id: idCeAuthorityKeyIdentifier, critical: false, value: authorityKeyIdentifier },
    { id: idCeCrlNumber, critical: false, value: smallInteger(number) },
  ];
  if (baseNumber !== undefined) {
    // RFC 5280 5.2.4: critical, so that nobody takes the changes for the whole.
    extensions.push({ id: idCeDeltaCrlIndicator, critical: true, value: smallInteger(baseNumber) });
  }
  if (scope.length > 0) {
    // RFC 5280 5.2.5: critical, so that nobody takes a part for the whole.
    const value = encodeIssuingDistributionPoint({ urls: scope });
    extensions.push({ id: idCeIssuingDistributionPoint, critical: true, value });
  }
  if (freshest !== undefined) {
    extensions.push({ id: idCeFreshestCrl, critical: false, value: encodeCrlDistributionPoints(freshest) });
  }
  return extensions;
}
