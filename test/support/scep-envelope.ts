/** EnvelopedData (RFC 5652 6) as SCEP clients make it: for the one recipient, by RSA key transport. */
import { constants, createCipheriv, publicEncrypt, randomBytes, X509Certificate } from 'node:crypto';
import { decodeCertificate } from '../../src/x509/certificate.js';
import {
  explicit,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  unsignedInteger,
} from '../../src/x509/der-writer.js';
import type { KeyTransport } from '../../src/x509/key-transport.js';
import type { CmsWriter } from './ber-writer.js';
import { flipped } from './flipped.js';
import { ciphers, cmsIds, digestIds, idMgf1, idRsaesOaep, rsaEncryption, type ScepCipher } from './scep-identifiers.js';

export interface EnvelopeOptions {
  readonly content: Uint8Array;
  /** DER of the certificate that it is encrypted to. */
  readonly recipient: Uint8Array;
  readonly cipher?: ScepCipher;
  readonly keyTransport?: KeyTransport;
  readonly damage?: 'encryptedKey' | 'encryptedContent';
}

/** A ContentInfo. */
export function makeEnvelope(options: EnvelopeOptions, write: CmsWriter): Uint8Array {
  const { content, recipient, cipher = 'aes-128-cbc', keyTransport = 'rsa-pkcs1', damage } = options;
  const { id, keyLength, blockLength } = ciphers[cipher];
  const key = randomBytes(keyLength);
  const iv = randomBytes(blockLength);
  const encrypted = encrypt(cipher, key, iv, content);
  const encryptedKey = encryptKey(keyTransport, recipient, key);
  const recipientInfo = sequence(
    smallInteger(0),
    issuerAndSerialNumber(recipient),
    transportAlgorithm(keyTransport),
    octetString(damage === 'encryptedKey' ? flipped(encryptedKey) : encryptedKey),
  );
  const encryptedContentInfo = write.sequence(
    oid(cmsIds.data),
    sequence(oid(id), octetString(iv)),
    write.taggedOctets(0, damage === 'encryptedContent' ? flipped(encrypted) : encrypted),
  );
  const enveloped = write.sequence(smallInteger(0), setOf(recipientInfo), encryptedContentInfo);
  return write.sequence(oid(cmsIds.envelopedData), write.explicit(0, enveloped));
}

/** RFC 5652 10.2.4 */
export function issuerAndSerialNumber(certificate: Uint8Array): Uint8Array {
  const { issuer, serialNumber } = decodeCertificate(certificate);
  return sequence(issuer, unsignedInteger(Buffer.from(serialNumber, 'hex')));
}

function encrypt(cipher: ScepCipher, key: Uint8Array, iv: Uint8Array, content: Uint8Array): Buffer {
  // OpenSSL 3 has no single DES, but triple DES with one key three times is the same.
  const encryption =
    cipher === 'des-cbc'
      ? createCipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), iv)
      : createCipheriv(cipher, key, iv);
  return Buffer.concat([encryption.update(content), encryption.final()]);
}

function encryptKey(transport: KeyTransport, recipient: Uint8Array, key: Uint8Array): Buffer {
  const { publicKey } = new X509Certificate(recipient);
  if (transport === 'rsa-pkcs1') return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
  const oaepHash = oaepDigests[transport];
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, key);
}

function transportAlgorithm(transport: KeyTransport): Uint8Array {
  if (transport === 'rsa-pkcs1') return sequence(oid(rsaEncryption), nullValue);
  // SHA-1 is the default of both parameters, and DER leaves defaults out.
  if (transport === 'rsa-oaep-sha1') return sequence(oid(idRsaesOaep), sequence());
  const digest = sequence(oid(digestIds[oaepDigests[transport]]), nullValue);
  const mask = sequence(oid(idMgf1), digest);
  return sequence(oid(idRsaesOaep), sequence(explicit(0, digest), explicit(1, mask)));
}

const oaepDigests = {
  'rsa-oaep-sha1': 'sha1',
  'rsa-oaep-sha256': 'sha256',
  'rsa-oaep-sha384': 'sha384',
  'rsa-oaep-sha512': 'sha512',
} as const;
