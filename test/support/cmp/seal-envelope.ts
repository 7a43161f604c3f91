/** Makes EnvelopedData (RFC 5652 6) for what a client encrypts: its private keys and passphrases. */
import {
  constants,
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2Sync,
  publicEncrypt,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { fromBER } from 'asn1js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import {
  bitString,
  explicit,
  implicit,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  smallInteger,
  utf8String,
} from '../../../src/x509/der-writer.js';
import { octetsOf, originalOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { flipped } from '../flipped.js';
import { issuerAndSerialNumber } from '../scep-envelope.js';
import { contentIds, hmacIds, macIds } from './identifiers.js';
import { agreedKey, agreements, wrapKey, wraps } from './key-wrapping.js';
import { secretOf, subjectKeyIdOf } from './message.js';

export interface SealOptions {
  readonly content: Uint8Array;
  /** Object identifier; default: id-data. */
  readonly contentType?: string;
  readonly recipient: SealRecipient;
  readonly damage?: 'encryptedKey' | 'encryptedContent';
  /** DER Attributes beside what is encrypted. */
  readonly attributes?: readonly Uint8Array[];
}

/** A certificate (DER), by what its key can do, or a password. */
export type SealRecipient =
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array }
  | { readonly kind: 'password'; readonly password: string | Uint8Array };

/** DER EnvelopedData, encrypted with AES-256 in CBC mode. */
export function sealEnvelope(options: SealOptions): Uint8Array {
  const { content, contentType = contentIds.data, recipient, damage, attributes = [] } = options;
  const key = randomBytes(32);
  const iv = randomBytes(16);
  const encryption = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = Buffer.concat([encryption.update(content), encryption.final()]);
  const algorithm = sequence(oid('2.16.840.1.101.3.4.1.42'), octetString(iv));
  const encryptedContent = octetString(damage === 'encryptedContent' ? flipped(encrypted) : encrypted);
  const info = recipientInfo(recipient, key, damage === 'encryptedKey');
  return sequence(
    smallInteger(attributes.length > 0 ? Math.max(versionFor(info), 2) : versionFor(info)),
    setOf(info),
    sequence(oid(contentType), algorithm, implicit(0, encryptedContent)),
    attributes.length > 0 ? implicit(1, setOf(...attributes)) : undefined,
  );
}

/** Attribute (RFC 2985 5.5.2), with one value unless told otherwise. */
export function localKeyId(...values: readonly Uint8Array[]): Uint8Array {
  return sequence(oid('1.2.840.113549.1.9.21'), setOf(...values.map((value) => octetString(value))));
}

/** EncKeyWithID (RFC 4211 2.2): what a sealed private key is. @param identifier text, or DER GeneralName */
export function encKeyWithId(privateKey: KeyObject, identifier?: string | Uint8Array): Uint8Array {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  return sequence(pkcs8, typeof identifier === 'string' ? utf8String(identifier) : identifier);
}

/** EncryptedKey (RFC 4211 2.1) of EnvelopedData, as a revocation passphrase travels. */
export function encryptedKey(envelope: Uint8Array): Uint8Array {
  return implicit(0, envelope);
}

/** RFC 5652 6.1: 3 with a password, 0 with key transport for an issuer and serial number, else 2. */
function versionFor(info: Uint8Array): number {
  const { result } = fromBER(info);
  if (result.idBlock.tagClass === 3) return result.idBlock.tagNumber === 3 ? 3 : 2;
  return smallIntegerOf(partsOf(result)[0]);
}

function recipientInfo(recipient: SealRecipient, key: Buffer, isDamaged: boolean): Uint8Array {
  if (recipient.kind === 'password') return passwordRecipient(secretOf(recipient.password), key, isDamaged);
  const { publicKey } = new X509Certificate(recipient.certificate);
  if (publicKey.asymmetricKeyType === 'rsa') return keyTransport(recipient.certificate, publicKey, key, isDamaged);
  return keyAgreement(recipient.certificate, publicKey, key, isDamaged);
}

function keyTransport(certificate: Uint8Array, publicKey: KeyObject, key: Buffer, isDamaged: boolean): Uint8Array {
  const keyId = subjectKeyIdOf(decodeCertificate(certificate));
  const encrypted = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
  return sequence(
    smallInteger(keyId === undefined ? 0 : 2),
    keyId === undefined ? issuerAndSerialNumber(certificate) : implicit(0, octetString(keyId)),
    sequence(oid('1.2.840.113549.1.1.1'), nullValue),
    octetString(isDamaged ? flipped(encrypted) : encrypted),
  );
}

function keyAgreement(certificate: Uint8Array, publicKey: KeyObject, key: Buffer, isDamaged: boolean): Uint8Array {
  const keyId = subjectKeyIdOf(decodeCertificate(certificate));
  const isMontgomery = publicKey.asymmetricKeyType !== 'ec';
  const agreement = isMontgomery ? 'hkdf-sha256' : 'x963-sha256';
  const ephemeral = ephemeralKey(publicKey);
  const wrapAlgorithm = sequence(oid(wraps['id-aes256-wrap'].id));
  const ukm = randomBytes(16);
  const secret = diffieHellman({ privateKey: ephemeral, publicKey });
  const wrapped = wrapKey('id-aes256-wrap', agreedKey(agreement, 'id-aes256-wrap', wrapAlgorithm, secret, ukm), key);
  const spki = createPublicKey(ephemeral.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  });
  const [algorithm, point] = partsOf(fromBER(spki).result);
  if (algorithm === undefined) throw new Error('a key without algorithm');
  const originatorKey = implicit(1, sequence(originalOf(algorithm), bitString(octetsOf(point))));
  const rid = keyId === undefined ? issuerAndSerialNumber(certificate) : implicit(0, sequence(octetString(keyId)));
  const info = sequence(
    smallInteger(3),
    explicit(0, originatorKey),
    explicit(1, octetString(ukm)),
    sequence(oid(agreements[agreement]), wrapAlgorithm),
    sequence(sequence(rid, octetString(isDamaged ? flipped(wrapped) : wrapped))),
  );
  return implicit(1, info);
}

function ephemeralKey({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyObject {
  if (asymmetricKeyType === 'x25519') return generateKeyPairSync('x25519').privateKey;
  if (asymmetricKeyType === 'x448') return generateKeyPairSync('x448').privateKey;
  return generateKeyPairSync('ec', { namedCurve: asymmetricKeyDetails?.namedCurve ?? '' }).privateKey;
}

function passwordRecipient(password: Uint8Array, key: Buffer, isDamaged: boolean): Uint8Array {
  const salt = randomBytes(16);
  const iterations = 1000;
  const kek = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const prf = sequence(oid(hmacIds.sha256), nullValue);
  const parameters = sequence(octetString(salt), smallInteger(iterations), smallInteger(32), prf);
  const wrapped = wrapKey('id-aes256-wrap', kek, key);
  const info = sequence(
    smallInteger(0),
    implicit(0, sequence(oid(macIds.pbkdf2), parameters)),
    sequence(oid(wraps['id-aes256-wrap'].id)),
    octetString(isDamaged ? flipped(wrapped) : wrapped),
  );
  return implicit(3, info);
}
