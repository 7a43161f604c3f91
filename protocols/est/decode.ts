/** Reads what EST clients send: a PKCS #10 request (RFC 7030 4.2.1) and the credentials around it (3.2.3, 3.3.2). */

import { GatewayError } from '../../src/errors.js';
import { parseBasicCredentials } from '../../src/http/basic-credentials.js';
import { parseMediaType } from '../../src/http/media-type.js';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { Exchange } from '../../src/protocol.js';
import { decoding, decodingKey } from '../../src/x509/decoding.js';
import {
  type CertificationRequest,
  decodeCertificationRequest,
  verifyCertificationRequest,
} from '../../src/x509/pkcs10.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError } from '../../src/x509/signature-algorithms.js';
import { decodeBody } from './base64.js';
import { UnsupportedMediaTypeError } from './errors.js';

/** Decodes the body. Neither key nor signature is looked at. @throws GatewayError */
export function decodePkcs10Body({ headers, body }: Exchange): CertificationRequest {
  checkMediaType(headers['content-type'], 'application/pkcs10');
  return decodePkcs10(decodeBody(body, ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']));
}

/** Decodes a CertificationRequest. @throws GatewayError `malformed-request` */
export function decodePkcs10(der: Uint8Array): CertificationRequest {
  return decoding('the PKCS #10 request', () => decodeCertificationRequest(der));
}

/** Checks that a request is signed with its own key (RFC 7030 3.4). @throws GatewayError */
export function verifyProofOfPossession(csr: CertificationRequest): void {
  if (readingKey(() => verifyCertificationRequest(csr))) return;
  throw new GatewayError(
    'invalid-proof-of-possession',
    'the signature of the PKCS #10 request does not fit its public key',
  );
}

/** The hash that a request is signed with; undefined where the algorithm brings its own. @throws GatewayError */
export function requestHash(csr: CertificationRequest): string | undefined {
  return readingKey(() => decodeSignatureAlgorithm(csr.signatureAlgorithm).hash);
}

/** The password and the TLS client certificate, as far as presented: the policy says which of them count. */
export function readCredentials({ headers, tls }: Exchange): PresentedCredential[] {
  const credentials: PresentedCredential[] = [];
  const password = parseBasicCredentials(headers.authorization);
  if (password !== undefined) credentials.push({ kind: 'password', ...password });
  if (tls !== undefined && tls.clientChain.length > 0) {
    credentials.push({ kind: 'certificate', chain: tls.clientChain, proof: 'tls' });
  }
  return credentials;
}

/** Checks the type of the body; its parameters are tolerated. @throws UnsupportedMediaTypeError */
export function checkMediaType(header: string | undefined, expected: string): void {
  if (parseMediaType(header)?.type === expected) return;
  throw new UnsupportedMediaTypeError(`the Content-Type of this operation's requests is ${expected}`);
}

function readingKey<T>(read: () => T): T {
  return decodingKey('the key or signature of the PKCS #10 request', () => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UnsupportedAlgorithmError)) throw error;
      throw new GatewayError(
        'unsupported-algorithm',
        `the PKCS #10 request is signed in a way that is not supported: ${error.message}`,
        { cause: error },
      );
    }
  });
}
