/**
 * The attestation statement format `packed` (WebAuthn level 2, 8.2), with a certificate. What it attests in WebAuthn is a key in
 * authData, which is unused here: so it is the certificate's own key that is attested, by whoever has issued the certificate.
 */
import { verifySignature } from '../../../src/x509/signature-algorithms.js';
import { readAttestationCertificate, type VerifiedStatement } from './attestation-certificate.js';
import { bytesOf, type StatementFields } from './attestation-object.js';
import { attestationAlgorithm } from './cose-algorithms.js';
import { refused } from './refused.js';

/** @throws AcmeError `badAttestationStatement` */
export function verifyPackedStatement(fields: StatementFields, keyAuthorization: string): VerifiedStatement {
  const algorithm = attestationAlgorithm(fields.get('alg'));
  const signature = bytesOf(fields, 'sig');
  const certificate = readAttestationCertificate(fields);
  if (!verifySignature(algorithm, certificate.key, Buffer.from(keyAuthorization), signature)) {
    throw refused('sig is no signature of the key authorization by the key of the certificate and with alg');
  }
  return { certificate, attestedKey: certificate.leaf.subjectPublicKeyInfo };
}
