/** What only the holder of a new key can read (RFC 9810 5.2.2 and 5.2.8.3): a certificate, a challenge. */

import { constants, diffieHellman, generateKeyPairSync, type KeyObject, publicEncrypt } from 'node:crypto';
import type { CertificateIdentifier } from '../../src/cms/certificate-identifier.js';
import { encryptContent } from '../../src/cms/content-encryption.js';
import { sealEnvelope } from '../../src/cms/enveloped-data.js';
import { keyTransportIdentifiers } from '../../src/cms/key-transport.js';
import { idData } from '../../src/cms/oids.js';
import { agreementAlgorithms, type Recipient } from '../../src/cms/recipient-infos.js';
import { GatewayError } from '../../src/errors.js';
import { decoding } from '../../src/x509/decoding.js';
import {
  type AgreementAlgorithm,
  describePublicKey,
  importPublicKey,
  type PublicKeyDescription,
  subjectKeyIdentifier,
} from '../../src/x509/public-key.js';
import { encodeEncryptedValue } from './asn1/encrypted-value.js';
import type { ProofOfPossession } from './asn1/proof-of-possession.js';
import { CmpError } from './errors.js';

/** The two ways in which a key that does not sign proves that it is there (RFC 4211 section 4). */
export type KeyUse = Exclude<ProofOfPossession['type'], 'raVerified' | 'signature'>;

/**
 * Whether it is a key at all: a point may lie beside its curve, or agree on the same with everybody (RFC 7748 section 6).
 * @param publicKey DER SubjectPublicKeyInfo
 * @throws GatewayError
 */
export function requireKey(publicKey: Uint8Array): void {
  const key = decoding('the key of the request', () => importPublicKey(publicKey));
  const type = key.asymmetricKeyType;
  if ((type === 'x25519' || type === 'x448') && !agreesOnSecret(key, type)) {
    throw new CmpError('badCertTemplate', 'the key of the request is a point of small order', 'unacceptable-key');
  }
}

/** @param publicKey DER SubjectPublicKeyInfo @throws GatewayError `invalid-proof-of-possession` for a key that has no such use */
export function requireKeyUse(publicKey: Uint8Array, use: KeyUse): void {
  const key = decoding('the key of the request', () => describePublicKey(publicKey));
  requireKey(publicKey);
  if (useOf(key) === use) return;
  throw new GatewayError('invalid-proof-of-possession', `the key of the request is none for ${use}`);
}

/**
 * DER EnvelopedData that the holder of the key can open; `requireKeyUse` has passed the key.
 * @param publicKey DER SubjectPublicKeyInfo
 * @param identifier the recipient's; by the key itself when absent
 */
export function encryptToKey(
  publicKey: Uint8Array,
  content: Uint8Array,
  identifier: CertificateIdentifier = nameByKey(publicKey),
): Uint8Array {
  const recipient = recipientOf(publicKey, identifier);
  return sealEnvelope({ contentType: idData, content, contentEncryption: 'aes-256-cbc', recipient });
}

/**
 * DER EncryptedValue that the holder of an RSA key can open, for those who know no EnvelopedData. Who reads version 2 knows
 * PKCS #1 v1.5 alone.
 * @param publicKey DER SubjectPublicKeyInfo
 */
export function encryptValueToKey(publicKey: Uint8Array, content: Uint8Array): Uint8Array {
  const { algorithm, encrypted, key } = encryptContent('aes-256-cbc', content);
  return encodeEncryptedValue({
    symmAlg: algorithm,
    encSymmKey: publicEncrypt({ key: importPublicKey(publicKey), padding: constants.RSA_PKCS1_PADDING }, key),
    keyAlg: keyTransportIdentifiers['rsa-pkcs1'],
    encValue: encrypted,
  });
}

/** Not by the serial number: it is in the certificate, which is still to be read. */
function nameByKey(publicKey: Uint8Array): CertificateIdentifier {
  return { type: 'subjectKeyIdentifier', subjectKeyIdentifier: subjectKeyIdentifier(publicKey) };
}

function useOf(key: PublicKeyDescription): KeyUse | undefined {
  switch (key.algorithm) {
    case 'rsa':
      return key.pss ? undefined : 'keyEncipherment';
    case 'ec':
    case 'x25519':
    case 'x448':
      return 'keyAgreement';
    default:
      return undefined;
  }
}

function agreesOnSecret(publicKey: KeyObject, type: AgreementAlgorithm): boolean {
  const { privateKey } = type === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('x448');
  try {
    return diffieHellman({ privateKey, publicKey }).some((octet) => octet !== 0);
  } catch {
    return false;
  }
}

function recipientOf(subjectPublicKeyInfo: Uint8Array, identifier: CertificateIdentifier): Recipient {
  const key = describePublicKey(subjectPublicKeyInfo);
  switch (key.algorithm) {
    case 'ec':
      return { type: 'keyAgreement', identifier, subjectPublicKeyInfo, ...agreementAlgorithms[key.curve] };
    case 'x25519':
    case 'x448':
      return { type: 'keyAgreement', identifier, subjectPublicKeyInfo, ...agreementAlgorithms[key.algorithm] };
    default:
      return { type: 'keyTransport', identifier, subjectPublicKeyInfo, keyTransport: 'rsa-oaep-sha256' };
  }
}
