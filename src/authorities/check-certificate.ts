/** Whether a certificate that comes from elsewhere is fit for a CA here. */
import { GatewayError } from '../errors.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import { type Certificate, decodeCertificate, extension } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { decodeBasicConstraints, decodeKeyUsage } from '../x509/extensions.js';
import { decodeName, encodeName, formatName, namesEqual } from '../x509/names.js';
import { idCeBasicConstraints, idCeKeyUsage } from '../x509/oids.js';
import { parseName } from '../x509/parse-name.js';
import { describePublicKey, importPublicKey, UnsupportedKeyError } from '../x509/public-key.js';
import { decodeSignatureAlgorithm, UnsupportedAlgorithmError, verifySignature } from '../x509/signature-algorithms.js';
import { findRsaWeakness } from '../x509/weak-keys.js';

/** @throws GatewayError 'malformed-request' */
export function readCertificate(der: Uint8Array): Certificate {
  try {
    const certificate = decodeCertificate(der);
    // Messages name both.
    for (const name of [certificate.subject, certificate.issuer]) decodeName(name);
    return certificate;
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new GatewayError('malformed-request', `a certificate cannot be read: ${cause.message}`, { cause });
  }
}

/**
 * Checks all but who has issued it.
 * @throws GatewayError as `checkAnyCaCertificate` does, and 'rejected-name'
 */
export function checkCaCertificate(certificate: Certificate, config: CertificateAuthorityConfig, now: Date): void {
  checkSubject(certificate, config);
  checkAnyCaCertificate(certificate, now);
}

/**
 * Checks whether it is one of a CA, whichever that is and whoever has issued it.
 * @throws GatewayError 'malformed-request', 'unacceptable-key', 'unsupported-algorithm', 'rejected-profile', 'rejected-power'
 */
export function checkAnyCaCertificate(certificate: Certificate, now: Date): void {
  const shown = `the certificate of ${formatName(certificate.subject)}`;
  try {
    checkValidity(certificate, shown, now);
    checkPower(certificate, shown);
    checkKey(certificate, shown);
    checkSignatureAlgorithm(certificate, shown);
  } catch (cause) {
    if (cause instanceof DerError)
      throw new GatewayError('malformed-request', `${shown} cannot be read: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Whether the key of one certificate has signed the other, whose issuer it is by name. */
export function hasIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!namesEqual(issuer.subject, certificate.issuer)) return false;
  try {
    const algorithm = decodeSignatureAlgorithm(certificate.signatureAlgorithm);
    const key = importPublicKey(issuer.subjectPublicKeyInfo);
    return verifySignature(algorithm, key, certificate.tbs, certificate.signature);
  } catch (error) {
    const isUnreadable =
      error instanceof DerError || error instanceof UnsupportedKeyError || error instanceof UnsupportedAlgorithmError;
    if (!isUnreadable) throw error;
    return false;
  }
}

function checkSubject({ subject }: Certificate, config: CertificateAuthorityConfig): void {
  if (namesEqual(subject, encodeName(parseName(config.subject)))) return;
  throw new GatewayError(
    'rejected-name',
    `the certificate is for ${formatName(subject) || 'nobody'}, but CA ${config.name} is configured as ${config.subject}: have it issued again, or configure that subject`,
  );
}

function checkValidity({ notBefore, notAfter }: Certificate, shown: string, now: Date): void {
  if (notAfter <= now) throw new GatewayError('rejected-profile', `${shown} has ended at ${notAfter.toISOString()}`);
  if (notBefore > now)
    throw new GatewayError('rejected-profile', `${shown} is not valid before ${notBefore.toISOString()}`);
}

/** RFC 5280 4.2.1.3, 4.2.1.9. */
function checkPower(certificate: Certificate, shown: string): void {
  const constraints = extension(certificate, idCeBasicConstraints);
  if (certificate.version !== 3 || constraints === undefined || !decodeBasicConstraints(constraints).ca) {
    throw new GatewayError('rejected-power', `${shown} is none of a CA: it lacks basicConstraints with CA = true`);
  }
  const usages = extension(certificate, idCeKeyUsage);
  const names = usages === undefined ? undefined : decodeKeyUsage(usages);
  if (names !== undefined && !(names.includes('keyCertSign') && names.includes('cRLSign'))) {
    throw new GatewayError(
      'rejected-power',
      `${shown} does not let its key sign both certificates and CRLs (keyUsage)`,
    );
  }
}

function checkKey({ subjectPublicKeyInfo }: Certificate, shown: string): void {
  try {
    const key = describePublicKey(subjectPublicKeyInfo);
    importPublicKey(subjectPublicKeyInfo);
    if (key.algorithm === 'ec' || key.algorithm === 'ed25519') return;
    if (key.algorithm !== 'rsa' || key.pss) {
      throw new GatewayError('unacceptable-key', `${shown} has a key of a kind that CAs here do not have`);
    }
    if (key.bits < minimumRsaBits) {
      throw new GatewayError(
        'unacceptable-key',
        `${shown} has an RSA key of ${key.bits} bits: ${minimumRsaBits} are the least`,
      );
    }
    const weakness = findRsaWeakness(key.modulus, key.exponent);
    // Old roots have the public exponent 3, which is no weakness of signatures that are verified as they should be.
    if (weakness !== undefined && weakness !== 'exponent') {
      throw new GatewayError('unacceptable-key', `${shown} has an RSA key that can be broken (${weakness})`);
    }
  } catch (cause) {
    if (!(cause instanceof UnsupportedKeyError)) throw cause;
    throw new GatewayError('unacceptable-key', `${shown} has a key that is not supported: ${cause.message}`, { cause });
  }
}

function checkSignatureAlgorithm({ signatureAlgorithm }: Certificate, shown: string): void {
  try {
    if (decodeSignatureAlgorithm(signatureAlgorithm).hash !== 'sha1') return;
  } catch (cause) {
    if (!(cause instanceof UnsupportedAlgorithmError)) throw cause;
    throw new GatewayError('unsupported-algorithm', `${shown} is signed with what is not supported: ${cause.message}`, {
      cause,
    });
  }
  throw new GatewayError('unsupported-algorithm', `${shown} is signed with SHA-1, which can be forged`);
}

const minimumRsaBits = 2048;
