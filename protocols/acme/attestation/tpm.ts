/** The attestation statement format `tpm` (WebAuthn level 2, 8.3): a TPM's attestation key has certified another of its keys. */
import { constants, hash } from 'node:crypto';
import { type Certificate, extension } from '../../../src/x509/certificate.js';
import { decodeExtKeyUsage } from '../../../src/x509/extensions.js';
import { idCeExtKeyUsage, tcgKpAikCertificate } from '../../../src/x509/oids.js';
import { verifySignature } from '../../../src/x509/signature-algorithms.js';
import { readAttestationCertificate, readable, type VerifiedStatement } from './attestation-certificate.js';
import { bytesOf, type StatementFields } from './attestation-object.js';
import { type AttestationAlgorithm, attestationAlgorithm } from './cose-algorithms.js';
import { refused } from './refused.js';
import { readCertification } from './tpm-attest.js';
import { readPublicArea } from './tpm-public.js';
import { plainSignature } from './tpm-signature.js';

/** @throws AcmeError `badAttestationStatement` */
export function verifyTpmStatement(fields: StatementFields, keyAuthorization: string): VerifiedStatement {
  if (fields.get('ver') !== '2.0') throw refused('the attestation statement is not of a TPM 2.0');
  const algorithm = attestationAlgorithm(fields.get('alg'));
  const certInfo = bytesOf(fields, 'certInfo');
  const pubArea = bytesOf(fields, 'pubArea');
  const certificate = readAttestationCertificate(fields);
  requirePurpose(certificate.leaf);
  const { extraData, name } = readCertification(certInfo);
  if (Buffer.compare(extraData, hash(algorithm.hash, keyAuthorization, 'buffer')) !== 0) {
    throw refused('extraData in certInfo is not the hash of the key authorization, made with the hash of alg');
  }
  const { nameAlgorithm, nameHash, publicKey } = readPublicArea(pubArea);
  const ownName = Buffer.concat([nameAlgorithm, hash(nameHash, pubArea, 'buffer')]);
  if (Buffer.compare(name, ownName) !== 0) throw refused('certInfo certifies another key than that of pubArea');
  const signature = plainSignature(bytesOf(fields, 'sig'), algorithm, certificate.keyDescription);
  if (!verifySignature(withAnySalt(algorithm), certificate.key, certInfo, signature)) {
    throw refused('sig is no signature of certInfo by the key of the certificate and with alg');
  }
  return { certificate, attestedKey: publicKey };
}

/** WebAuthn level 2, 8.3.1. Another certificate's key may sign what the TPM has not written. */
function requirePurpose(certificate: Certificate): void {
  const value = extension(certificate, idCeExtKeyUsage);
  const purposes = value === undefined ? [] : readable(() => decodeExtKeyUsage(value));
  if (purposes.includes(tcgKpAikCertificate)) return;
  throw refused(
    `the attestation certificate has no extended key usage ${tcgKpAikCertificate}; send that of an attestation key`,
  );
}

/** TPMs make the salt as long as the modulus has room for (TPM 2.0 Library, part 1, B.7). */
function withAnySalt(algorithm: AttestationAlgorithm): AttestationAlgorithm {
  if (algorithm.pss === undefined) return algorithm;
  return { ...algorithm, pss: { saltLength: constants.RSA_PSS_SALTLEN_AUTO } };
}
