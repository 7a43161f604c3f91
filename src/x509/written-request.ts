/** What clients and operators ask for in text: a PKCS #10 request, a key, or the names of a certificate. */
import { GatewayError } from '../errors.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { decodingKey, reading } from './decoding.js';
import { encodeGeneralNames, type GeneralName } from './general-names.js';
import { encodeName } from './names.js';
import { idCeSubjectAltName } from './oids.js';
import { parseName } from './parse-name.js';
import { onePemBlock } from './pem.js';
import { decodeCertificationRequest, verifyCertificationRequest } from './pkcs10.js';
import { decodeSignatureAlgorithm } from './signature-algorithms.js';

/** The DER of one PKCS #10 request. @param field where the PEM stands @throws GatewayError `malformed-request` */
export function readCsrPem(field: string, pem: string): Uint8Array {
  return reading(field, () => onePemBlock(pem, 'CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'));
}

/** The DER of one SubjectPublicKeyInfo. @param field where the PEM stands @throws GatewayError `malformed-request` */
export function readPublicKeyPem(field: string, pem: string): Uint8Array {
  return reading(field, () => onePemBlock(pem, 'PUBLIC KEY'));
}

/**
 * What a PKCS #10 request asks for (RFC 2986), whose signature proves possession of its key.
 * @param subject what sentences call it
 * @throws GatewayError `invalid-proof-of-possession`, `malformed-request`, `unsupported-algorithm`, `unacceptable-key`
 */
export function readProvenCsr(der: Uint8Array, subject = 'the PKCS #10 request'): RequestedCertificate {
  return decodingKey(subject, () => {
    const csr = decodeCertificationRequest(der);
    if (!verifyCertificationRequest(csr)) {
      throw new GatewayError('invalid-proof-of-possession', `the signature of ${subject} does not fit its public key`);
    }
    const { subject: name, subjectPublicKeyInfo, extensions } = csr;
    const { hash } = decodeSignatureAlgorithm(csr.signatureAlgorithm);
    return { subject: name, subjectPublicKeyInfo, extensions, ...(hash === undefined ? {} : { requestHash: hash }) };
  });
}

/** The types of alternative names that requests are written with, in the order in which they are encoded. */
export const writtenNameTypes = ['dns', 'ip', 'email', 'uri'] as const;
type WrittenNameType = (typeof writtenNameTypes)[number];

export interface WrittenNames {
  /** RFC 4514 text; an empty name where absent. */
  readonly subject?: string | undefined;
  readonly subjectAltNames?: { readonly [Type in WrittenNameType]?: readonly string[] | undefined } | undefined;
}

/** In the order in which they are encoded. */
export function alternativeNames({
  subjectAltNames = {},
}: WrittenNames): Extract<GeneralName, { readonly type: WrittenNameType }>[] {
  return writtenNameTypes.flatMap((type) => (subjectAltNames[type] ?? []).map((value) => ({ type, value })));
}

/** @throws GatewayError `malformed-request` */
export function encodeWrittenNames(names: WrittenNames): Pick<RequestedCertificate, 'subject' | 'extensions'> {
  const subject = readSubject('subject', names.subject ?? '');
  const alternatives = alternativeNames(names);
  if (alternatives.length === 0) return { subject, extensions: [] };
  const value = reading('subjectAltNames', () => encodeGeneralNames(alternatives));
  return { subject, extensions: [{ id: idCeSubjectAltName, critical: false, value }] };
}

/** DER Name of RFC 4514 text. @param field where it stands @throws GatewayError `malformed-request` */
export function readSubject(field: string, text: string): Uint8Array {
  return reading(field, () => encodeName(parseName(text)));
}
