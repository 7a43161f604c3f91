/** Requests that bring a PKCS #10 request (RFC 2986), whose signature is the proof of possession. */
import { GatewayError } from '../../src/errors.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { decodingKey } from '../../src/x509/decoding.js';
import { decodeCertificationRequest, verifyCertificationRequest } from '../../src/x509/pkcs10.js';
import { decodeSignatureAlgorithm } from '../../src/x509/signature-algorithms.js';
import { readPem } from './pem.js';

/** @throws GatewayError */
export function readCertificationRequest(pem: string): RequestedCertificate {
  const der = readPem('csr', pem, ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);
  return decodingKey('the PKCS #10 request, its key or signature,', () => {
    const csr = decodeCertificationRequest(der);
    if (!verifyCertificationRequest(csr)) {
      throw new GatewayError(
        'invalid-proof-of-possession',
        'the signature of the PKCS #10 request does not fit its public key',
      );
    }
    const { subject, subjectPublicKeyInfo, extensions } = csr;
    const { hash } = decodeSignatureAlgorithm(csr.signatureAlgorithm);
    return { subject, subjectPublicKeyInfo, extensions, ...(hash === undefined ? {} : { requestHash: hash }) };
  });
}
