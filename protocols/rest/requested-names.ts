/** The names that a request without PKCS #10 asks for. */
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { decodeCertificate, extension } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { idCeSubjectAltName } from '../../src/x509/oids.js';
import { encodeWrittenNames, type WrittenNames } from '../../src/x509/written-request.js';

export type RequestedNames = Pick<RequestedCertificate, 'subject' | 'extensions'>;

/**
 * @param renewed DER of the certificate that is renewed: its names are taken where the request has none
 * @throws GatewayError `malformed-request`
 */
export function readRequestedNames(written: WrittenNames, renewed: Uint8Array | undefined): RequestedNames {
  const { subject, subjectAltNames } = written;
  if (renewed !== undefined && subject === undefined && subjectAltNames === undefined) return namesOf(renewed);
  return encodeWrittenNames(written);
}

function namesOf(der: Uint8Array): RequestedNames {
  const certificate = decoding('the client certificate', () => decodeCertificate(der));
  const value = extension(certificate, idCeSubjectAltName);
  return {
    subject: certificate.subject,
    extensions: value === undefined ? [] : [{ id: idCeSubjectAltName, critical: false, value }],
  };
}
