/** Opens EnvelopedData (RFC 5652 6) with pkijs and node:crypto alone: key transport, ECDH and password recipients. */
import {
  constants,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
  pbkdf2Sync,
  privateDecrypt,
} from 'node:crypto';
import {
  ContentInfo,
  EnvelopedData,
  IssuerAndSerialNumber,
  KeyAgreeRecipientInfo,
  KeyTransRecipientInfo,
  OriginatorPublicKey,
  PasswordRecipientinfo,
} from 'pkijs';
import { explicit, octetString, sequence } from '../../src/x509/der-writer.js';
import type { KeyTransport } from '../../src/x509/key-transport.js';
import { bytesOf, octetsOf, oidOf, partsOf, smallIntegerOf } from './asn1-values.js';
import { ciphers, cmsIds, digestIds, idRsaesOaep, keyOf, rsaEncryption, type ScepCipher } from './scep-identifiers.js';

/** What opens an envelope. */
export interface EnvelopeKey {
  readonly privateKey: KeyObject;
  /** The challenge, for a key that can only sign. */
  readonly password?: string;
}

export interface OpenedEnvelope {
  /** Object identifier. */
  readonly contentType: string;
  readonly content: Buffer;
  readonly cipher: ScepCipher;
  readonly recipient: KeyTransport | 'key-agreement' | 'password';
  /** Of the certificate that a recipient by key is named by, lower-case hex. */
  readonly recipientSerialNumber?: string;
}

/** The EnvelopedData in a ContentInfo, for one recipient. @throws Error when it does not open */
export function openEnvelope(der: Uint8Array, key: EnvelopeKey): OpenedEnvelope {
  const info = ContentInfo.fromBER(der);
  if (info.contentType !== cmsIds.envelopedData) throw new Error(`no EnvelopedData but ${info.contentType}`);
  const data = new EnvelopedData({ schema: info.content });
  const { contentType, contentEncryptionAlgorithm } = data.encryptedContentInfo;
  const cipher = keyOf(ciphers, ({ id }) => id === contentEncryptionAlgorithm.algorithmId);
  if (cipher === undefined) throw new Error(`cipher ${contentEncryptionAlgorithm.algorithmId}`);
  const [recipient] = data.recipientInfos;
  if (recipient === undefined || data.recipientInfos.length > 1) throw new Error('not one recipient');
  const { contentKey, ...named } = openRecipient(recipient.value, key);
  const iv = octetsOf(contentEncryptionAlgorithm.algorithmParams);
  const content = decrypt(cipher, contentKey, iv, Buffer.from(data.encryptedContentInfo.getEncryptedContent()));
  return { contentType, content, cipher, ...named };
}

interface OpenedRecipient extends Pick<OpenedEnvelope, 'recipient' | 'recipientSerialNumber'> {
  readonly contentKey: Buffer;
}

function openRecipient(info: unknown, { privateKey, password }: EnvelopeKey): OpenedRecipient {
  if (info instanceof KeyTransRecipientInfo) return openKeyTransport(info, privateKey);
  if (info instanceof KeyAgreeRecipientInfo) return openKeyAgreement(info, privateKey);
  if (info instanceof PasswordRecipientinfo && password !== undefined)
    return { recipient: 'password', contentKey: openPassword(info, password) };
  throw new Error('a recipient of another kind');
}

function openKeyTransport(info: KeyTransRecipientInfo, privateKey: KeyObject): OpenedRecipient {
  const { algorithmId, algorithmParams } = info.keyEncryptionAlgorithm;
  const recipientSerialNumber = serialNumberOf(info.rid);
  const encryptedKey = octetsOf(info.encryptedKey);
  if (algorithmId === rsaEncryption)
    return { recipient: 'rsa-pkcs1', recipientSerialNumber, contentKey: openPkcs1(encryptedKey, privateKey) };
  if (algorithmId !== idRsaesOaep) throw new Error(`key transport ${algorithmId}`);
  const oaepHash = oaepHashOf(algorithmParams);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const contentKey = privateDecrypt({ key: privateKey, padding, oaepHash }, encryptedKey);
  return { recipient: `rsa-oaep-${oaepHash}`, recipientSerialNumber, contentKey };
}

/** Node 20 opens no PKCS #1 v1.5 by itself. */
function openPkcs1(encryptedKey: Buffer, privateKey: KeyObject): Buffer {
  const block = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encryptedKey);
  const end = block.indexOf(0, 2);
  if (block[0] !== 0 || block[1] !== 2 || end < 10) throw new Error('no PKCS #1 v1.5 padding');
  return block.subarray(end + 1);
}

/** RFC 4055 4.1: [0] hash, where it is not SHA-1. */
function oaepHashOf(parameters: unknown): 'sha1' | 'sha256' | 'sha384' | 'sha512' {
  const tagged = partsOf(parameters).find(({ idBlock }) => idBlock.tagNumber === 0);
  if (tagged === undefined) return 'sha1';
  const id = oidOf(partsOf(partsOf(tagged)[0])[0]);
  const digest = keyOf(digestIds, (value) => value === id);
  if (digest === undefined || digest === 'md5') throw new Error(`OAEP with ${id}`);
  return digest;
}

/** ECDH with an ephemeral key (RFC 5753 3.1), the standard one pass with X9.63's derivation, and AES key wrap. */
function openKeyAgreement(info: KeyAgreeRecipientInfo, privateKey: KeyObject): OpenedRecipient {
  const { algorithmId, algorithmParams } = info.keyEncryptionAlgorithm;
  const digest = keyOf(agreementDigests, (id) => id === algorithmId);
  const [recipient] = info.recipientEncryptedKeys.encryptedKeys;
  if (digest === undefined || recipient === undefined) throw new Error(`key agreement ${algorithmId}`);
  const wrapId = oidOf(partsOf(algorithmParams)[0]);
  const wrapping = keyOf(wraps, ({ id }) => id === wrapId);
  if (wrapping === undefined) throw new Error(`key wrap ${wrapId}`);
  const { keyLength } = wraps[wrapping];
  const originator: unknown = info.originator.value;
  if (!(originator instanceof OriginatorPublicKey)) throw new Error('no ephemeral key');
  const point = octetsOf(originator.publicKey);
  const secret = diffieHellman({ privateKey, publicKey: publicKeyOf(point, privateKey) });
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(keyLength * 8);
  const ukm = info.ukm === undefined ? undefined : explicit(0, octetString(octetsOf(info.ukm)));
  const sharedInfo = sequence(bytesOf(algorithmParams), ukm, explicit(2, octetString(bits)));
  const derived = hash(digest, Buffer.concat([secret, Uint8Array.of(0, 0, 0, 1), sharedInfo]), 'buffer');
  const unwrapping = createDecipheriv(wrapping, derived.subarray(0, keyLength), Buffer.alloc(8, 0xa6));
  const contentKey = Buffer.concat([unwrapping.update(octetsOf(recipient.encryptedKey)), unwrapping.final()]);
  return { recipient: 'key-agreement', recipientSerialNumber: serialNumberOf(recipient.rid.value), contentKey };
}

const agreementDigests = { sha256: '1.3.132.1.11.1', sha384: '1.3.132.1.11.2', sha512: '1.3.132.1.11.3' } as const;
const wraps = {
  'id-aes128-wrap': { id: '2.16.840.1.101.3.4.1.5', keyLength: 16 },
  'id-aes192-wrap': { id: '2.16.840.1.101.3.4.1.25', keyLength: 24 },
  'id-aes256-wrap': { id: '2.16.840.1.101.3.4.1.45', keyLength: 32 },
} as const;

/** An uncompressed point on the curve of the other's key. */
function publicKeyOf(point: Buffer, other: KeyObject): KeyObject {
  const { crv = '' } = other.export({ format: 'jwk' });
  const length = (point.length - 1) / 2;
  const [x, y] = [point.subarray(1, 1 + length), point.subarray(1 + length)];
  const key = { kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') };
  return createPublicKey({ key, format: 'jwk' });
}

/** PWRI-KEK (RFC 3211 2.3) with AES in CBC mode and PBKDF2 with HMAC-SHA-256. */
function openPassword(info: PasswordRecipientinfo, password: string): Buffer {
  const [id, ivBlock] = partsOf(info.keyEncryptionAlgorithm.algorithmParams);
  const cipher = keyOf(ciphers, (entry) => entry.id === oidOf(id));
  if (cipher === undefined) throw new Error('cipher of the password recipient');
  const iv = octetsOf(ivBlock);
  const { keyLength, blockLength } = ciphers[cipher];
  const kek = deriveKey(info, password, keyLength);
  const wrapped = octetsOf(info.encryptedKey);
  // The last block of the inner encryption is the IV of the outer one.
  const last = decryptBlocks(
    cipher,
    kek,
    wrapped.subarray(-2 * blockLength, -blockLength),
    wrapped.subarray(-blockLength),
  );
  const inner = Buffer.concat([decryptBlocks(cipher, kek, last, wrapped.subarray(0, -blockLength)), last]);
  const plain = decryptBlocks(cipher, kek, iv, inner);
  const key = plain.subarray(4, 4 + (plain[0] ?? 0));
  if ([1, 2, 3].some((i) => ((plain[i] ?? 0) ^ (key[i - 1] ?? 0)) !== 0xff)) throw new Error('wrong password');
  return key;
}

function deriveKey({ keyDerivationAlgorithm }: PasswordRecipientinfo, password: string, length: number): Buffer {
  if (keyDerivationAlgorithm?.algorithmId !== idPbkdf2) throw new Error('no PBKDF2');
  const [salt, iterations, ...more] = partsOf(keyDerivationAlgorithm.algorithmParams);
  const prf = oidOf(partsOf(more.at(-1))[0]);
  if (prf !== hmacWithSha256) throw new Error(`PBKDF2 with ${prf}`);
  return pbkdf2Sync(password, octetsOf(salt), smallIntegerOf(iterations), length, 'sha256');
}

const idPbkdf2 = '1.2.840.113549.1.5.12';
const hmacWithSha256 = '1.2.840.113549.2.9';

function decrypt(cipher: ScepCipher, key: Buffer, iv: Buffer, encrypted: Buffer): Buffer {
  // OpenSSL 3 has no single DES, but triple DES with one key three times is the same.
  const decryption =
    cipher === 'des-cbc'
      ? createDecipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), iv)
      : createDecipheriv(cipher, key, iv);
  return Buffer.concat([decryption.update(encrypted), decryption.final()]);
}

function decryptBlocks(cipher: ScepCipher, key: Buffer, iv: Buffer, blocks: Buffer): Buffer {
  const decryption = createDecipheriv(cipher, key, iv).setAutoPadding(false);
  return Buffer.concat([decryption.update(blocks), decryption.final()]);
}

function serialNumberOf(identifier: unknown): string {
  if (!(identifier instanceof IssuerAndSerialNumber)) throw new Error('a recipient without issuer and serial number');
  return Buffer.from(identifier.serialNumber.valueBlock.valueHexView).toString('hex').replace(/^00/, '');
}
