/** RFC 8894 sections 3.3.1 and 3.3.4: what a decrypted envelope has to hold. */

import { readIssuerAndSerialNumber } from '../../src/cms/certificate-identifier.js';
import { GatewayError } from '../../src/errors.js';
import { DerError, DerReader } from '../../src/x509/der.js';
import { sequence } from '../../src/x509/der-writer.js';
import { decodeName } from '../../src/x509/names.js';
import {
  type CertificationRequest,
  decodeCertificationRequest,
  verifyCertificationRequest,
} from '../../src/x509/pkcs10.js';
import { importPublicKey, UnsupportedKeyError } from '../../src/x509/public-key.js';
import { UnsupportedAlgorithmError } from '../../src/x509/signature-algorithms.js';
import { decoyRequest } from './decoy-request.js';
import type { MessageSigner } from './message-signer.js';

/**
 * Reads a PKCS #10 request and verifies that it is signed with its own key. All that can be wrong with it is one error
 * with one text, after one kind of work: anybody can put a copy of another's envelope, with bits changed, into a message
 * that he signs himself. Bits of the CSR's signature do not disturb the parser, so that telling a wrong signature from a
 * wrong structure would tell whether the padding was right, which is the oracle that decrypts challenge passwords
 * (RFC 3218 section 2.3 has the like for the key). Only behind the CSR's own signature, which no changed copy has, may
 * answers differ.
 * @throws GatewayError `malformed-request`
 */
export function readCertificationRequest(content: Uint8Array, signer: MessageSigner): CertificationRequest {
  const request = decodeRequest(content);
  // What cannot be parsed costs a verification too: the time must not tell either.
  const isValid = isSignedByOwnKey(request ?? decoyRequest, signer);
  if (request === undefined || !isValid) {
    throw new GatewayError(
      'malformed-request',
      'what the message has encrypted is no PKCS #10 request with a valid signature',
    );
  }
  return request;
}

/**
 * Reads the IssuerAndSerialNumber of GetCert and GetCRL; of anything else it makes one that no certificate has. Nothing
 * signs this content, so that a changed copy of another's envelope may well parse as one: "unreadable" told apart from "you
 * may not ask" or "there is none" would be the oracle once more.
 */
export function readWantedCertificate(content: Uint8Array): { issuer: Uint8Array; serialNumber: string } {
  try {
    const wanted = DerReader.decode(content, readIssuerAndSerialNumber);
    if (wanted.type === 'issuerAndSerialNumber') {
      decodeName(wanted.issuer);
      return wanted;
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  return ofNoCertificate;
}

const ofNoCertificate = { issuer: sequence(), serialNumber: '00' };

function decodeRequest(content: Uint8Array): CertificationRequest | undefined {
  try {
    return decodeCertificationRequest(content);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function isSignedByOwnKey(request: CertificationRequest, { certificate, key }: MessageSigner): boolean {
  const { subjectPublicKeyInfo } = request;
  try {
    const isSameKey = Buffer.compare(subjectPublicKeyInfo, certificate.subjectPublicKeyInfo) === 0;
    return verifyCertificationRequest(request, isSameKey ? key : importPublicKey(subjectPublicKeyInfo));
  } catch (error) {
    const isOfTheRequest =
      error instanceof DerError || error instanceof UnsupportedKeyError || error instanceof UnsupportedAlgorithmError;
    if (!isOfTheRequest) throw error;
    verifyCertificationRequest(decoyRequest);
    return false;
  }
}
