/** In what a certificate differs from the wishes of its message (grantedWithMods, RFC 9810 5.2.3). */

import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { namesEqual } from '../../src/x509/names.js';
import type { CertTemplate } from './asn1/cert-template.js';
import type { CmpRequest } from './request.js';

/** Wishes about what no policy decides, because the CA assigns it (RFC 4211 section 5). */
export interface AssignedFields {
  /** What will differ from the wishes, whatever the policy decides. */
  readonly notes: readonly string[];
  /** DER AlgorithmIdentifier of the signature that the certificate is to have. */
  readonly signingAlg?: Uint8Array;
}

/** Who copies the template from a certificate that he has does no harm: the answer says what he will not get. @throws GatewayError */
export function readAssigned(request: CmpRequest, template: CertTemplate): AssignedFields {
  const { serialNumber, signingAlg } = template;
  const serial = serialNumber === undefined ? [] : ['the serial number is one that the CA has chosen'];
  return { notes: [...serial, ...issuerNotes(request, template)], ...(signingAlg && { signingAlg }) };
}

/** What differs in the certificate. */
export function modificationsOf(
  { modified, certificate }: Extract<EnrollmentResult, { outcome: 'issued' }>,
  { notes, signingAlg }: AssignedFields,
): readonly string[] {
  const isOtherwiseSigned =
    signingAlg !== undefined && Buffer.compare(decodeCertificate(certificate).signatureAlgorithm, signingAlg) !== 0;
  const signature = isOtherwiseSigned ? ['the signature of the certificate is by the algorithm of the CA'] : [];
  return [...notes, ...signature, ...modified];
}

/** Many clients put the issuer of the certificate there that they have by now: that is no wish. A ccr must have one. */
function issuerNotes({ services, exchange, sender, message }: CmpRequest, { issuer }: CertTemplate): readonly string[] {
  if (issuer === undefined || message.bodyType === 'ccr') return [];
  const [issuing = new Uint8Array()] = services.caCertificates(exchange.params.label);
  const { protection } = sender;
  const expected = [
    decodeCertificate(issuing).subject,
    ...(protection.kind === 'signature' ? [protection.certificate.issuer] : []),
  ];
  const isExpected = decoding('the issuer', () => expected.some((name) => namesEqual(issuer, name)));
  return isExpected ? [] : ['the issuer is the CA of the policy'];
}
