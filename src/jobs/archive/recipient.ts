/** The certificate that an archive is encrypted to. */

import { identifyByIssuer } from '../../cms/certificate-identifier.js';
import { CmsError } from '../../cms/cms-error.js';
import { agreementAlgorithms, type Recipient } from '../../cms/recipient-infos.js';
import { HttpError } from '../../errors.js';
import { type Certificate, decodeCertificate, extension } from '../../x509/certificate.js';
import { DerError } from '../../x509/der.js';
import { decodeKeyUsage, type KeyUsage } from '../../x509/extensions.js';
import { idCeKeyUsage } from '../../x509/oids.js';
import { onePemBlock } from '../../x509/pem.js';
import { describePublicKey, importPublicKey, UnsupportedKeyError } from '../../x509/public-key.js';
import { findRsaWeakness } from '../../x509/weak-keys.js';

/**
 * Reads a PEM certificate and checks that keys may be sent to it now.
 * @throws HttpError 422 in words for who has given it
 */
export function checkRecipient(pem: string, now: Date): void {
  try {
    const certificate = readCertificate(pem);
    const recipient = describeRecipient(certificate);
    requireCurrent(certificate, now);
    requireUsage(certificate, recipient.type === 'keyTransport' ? 'keyEncipherment' : 'keyAgreement');
    requireStrength(certificate);
    importPublicKey(certificate.subjectPublicKeyInfo);
  } catch (error) {
    if (error instanceof UnsupportedKeyError || error instanceof CmsError) {
      throw unusable('its key is neither RSA nor EC on P-256, P-384 or P-521');
    }
    if (error instanceof DerError || error instanceof SyntaxError) throw unusable('it is not one PEM certificate');
    throw error;
  }
}

/** The recipient of what was checked before. */
export function recipientOf(pem: string): Recipient {
  return describeRecipient(readCertificate(pem));
}

function readCertificate(pem: string): Certificate {
  return decodeCertificate(onePemBlock(pem, 'CERTIFICATE'));
}

function describeRecipient(certificate: Certificate): Extract<Recipient, { identifier: unknown }> {
  const { subjectPublicKeyInfo } = certificate;
  const identifier = identifyByIssuer(certificate);
  const described = describePublicKey(subjectPublicKeyInfo);
  if (described.algorithm === 'rsa' && !described.pss) {
    return { type: 'keyTransport', identifier, subjectPublicKeyInfo, keyTransport: 'rsa-oaep-sha256' };
  }
  if (described.algorithm !== 'ec') throw new CmsError('unsupported', 'the key cannot receive others');
  const { hash } = agreementAlgorithms[described.curve];
  return { type: 'keyAgreement', identifier, subjectPublicKeyInfo, hash, keyWrap: 'aes256-wrap' };
}

function requireCurrent({ notBefore, notAfter }: Certificate, now: Date): void {
  if (now > notAfter) throw unusable('it has expired');
  if (now < notBefore) throw unusable('it is not valid yet');
}

/** RFC 5280 4.2.1.3. */
function requireUsage(certificate: Certificate, needed: KeyUsage): void {
  const value = extension(certificate, idCeKeyUsage);
  if (value !== undefined && !decodeKeyUsage(value).includes(needed)) {
    throw unusable(`its key usage does not have ${needed}`);
  }
}

function requireStrength({ subjectPublicKeyInfo }: Certificate): void {
  const key = describePublicKey(subjectPublicKeyInfo);
  if (key.algorithm !== 'rsa') return;
  if (key.bits < minimumRsaBits)
    throw unusable(`its RSA key has ${key.bits} bits; at least ${minimumRsaBits} are needed`);
  if (findRsaWeakness(key.modulus, key.exponent) !== undefined) throw unusable('its RSA key is known to be weak');
}

function unusable(why: string): HttpError {
  return new HttpError(422, 'unacceptable-key', `the certificate archive.recipient cannot receive the keys: ${why}`);
}

const minimumRsaBits = 2048;
