/** Opens the EnvelopedData (RFC 5652 6) of a server's answers: for a key by transport or agreement, or for a password. */
import {
  constants,
  createDecipheriv,
  diffieHellman,
  type KeyObject,
  privateDecrypt,
  type X509Certificate,
} from 'node:crypto';
import { type BaseBlock, fromBER, Primitive } from 'asn1js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { octetsOf, oidOf, originalOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { ciphers, keyOf } from '../scep-identifiers.js';
import { hexOf, insideOf, isContext, isUniversal } from './blocks.js';
import { digestIds } from './identifiers.js';
import { agreedKey, agreements, cofactorAgreements, publicKeyLike, unwrapKey, wraps } from './key-wrapping.js';
import { derivedKey } from './macs.js';
import { secretOf, subjectKeyIdOf } from './message.js';

export interface EnvelopeKeys {
  readonly privateKey?: KeyObject;
  readonly secret?: string | Uint8Array;
  /** Where an originator of key agreement that is named, and not there itself, is looked for. */
  readonly certificates?: readonly X509Certificate[];
}

/** Hex, of whichever it is named by. */
export interface RecipientId {
  readonly subjectKeyId?: string;
  readonly serialNumber?: string;
}

export interface CmpEnvelope {
  readonly version: number;
  readonly recipient: 'ktri' | 'kari' | 'pwri';
  readonly recipientVersion: number;
  readonly recipientId?: RecipientId;
  /** Of key agreement: an ephemeral key, or how a certificate is named. */
  readonly originator?: 'ephemeral' | RecipientId;
  /** Object identifier of the keyEncryptionAlgorithm. */
  readonly keyEncryption: string;
  /** Of PBKDF2, hex. */
  readonly salt?: string;
  readonly cipher: string;
  /** Object identifier. */
  readonly contentType: string;
  readonly content: Buffer;
}

/** @param der EnvelopedData without a ContentInfo. @throws Error when it does not open */
export function openEnvelopedData(der: Uint8Array, keys: EnvelopeKeys): CmpEnvelope {
  const { offset, result } = fromBER(der);
  if (offset !== der.length) throw new Error('no EnvelopedData');
  const [version, recipients, encryptedContentInfo] = partsOf(result);
  const [recipient, second] = partsOf(recipients);
  if (recipient === undefined || second !== undefined) throw new Error('not one recipient');
  const [contentType, algorithm, encrypted] = partsOf(encryptedContentInfo);
  const [cipherId, iv] = partsOf(algorithm);
  const id = oidOf(cipherId);
  const cipher = keyOf(ciphers, (entry) => entry.id === id);
  if (cipher === undefined || !cipher.startsWith('aes')) throw new Error(`cipher ${id}`);
  const { key, ...named } = openRecipient(recipient, keys);
  const decryption = createDecipheriv(cipher, key, octetsOf(iv));
  return {
    version: smallIntegerOf(version),
    ...named,
    cipher,
    contentType: oidOf(contentType),
    content: Buffer.concat([decryption.update(implicitOctets(encrypted)), decryption.final()]),
  };
}

type Opened = Omit<CmpEnvelope, 'version' | 'cipher' | 'contentType' | 'content'> & { readonly key: Buffer };

function openRecipient(recipient: BaseBlock, { privateKey, secret, certificates = [] }: EnvelopeKeys): Opened {
  if (isUniversal(recipient, 16) && privateKey) return openTransport(partsOf(recipient), privateKey);
  if (isContext(recipient, 1) && privateKey) return openAgreement(partsOf(recipient), privateKey, certificates);
  if (isContext(recipient, 3) && secret !== undefined) return openPassword(partsOf(recipient), secretOf(secret));
  throw new Error('a recipient of another kind than the key');
}

/** RFC 5652 6.2.1 */
function openTransport(parts: readonly BaseBlock[], privateKey: KeyObject): Opened {
  const [version, rid, algorithm, encryptedKey] = parts;
  const [type, parameters] = partsOf(algorithm);
  const id = oidOf(type);
  const encrypted = octetsOf(encryptedKey);
  const key =
    id === '1.2.840.113549.1.1.1' ? openPkcs1(encrypted, privateKey) : openOaep(id, parameters, encrypted, privateKey);
  return {
    recipient: 'ktri',
    recipientVersion: smallIntegerOf(version),
    recipientId: recipientIdOf(rid),
    keyEncryption: id,
    key,
  };
}

/** Node 20 opens no PKCS #1 v1.5 by itself. */
export function openPkcs1(encrypted: Uint8Array, privateKey: KeyObject): Buffer {
  const block = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, encrypted);
  const end = block.indexOf(0, 2);
  if (block[0] !== 0 || block[1] !== 2 || end < 10) throw new Error('no PKCS #1 v1.5 padding');
  return block.subarray(end + 1);
}

function openOaep(id: string, parameters: BaseBlock | undefined, encrypted: Buffer, privateKey: KeyObject): Buffer {
  if (id !== '1.2.840.113549.1.1.7') throw new Error(`key transport ${id}`);
  const digest = insideOf(partsOf(parameters), 0);
  const digestId = digest === undefined ? digestIds.sha1 : oidOf(partsOf(digest)[0]);
  const oaepHash = keyOf(digestIds, (value) => value === digestId);
  if (oaepHash === undefined) throw new Error(`OAEP with ${digestId}`);
  return privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, encrypted);
}

/** RFC 5652 6.2.2 */
function openAgreement(
  parts: readonly BaseBlock[],
  privateKey: KeyObject,
  certificates: readonly X509Certificate[],
): Opened {
  const [version] = parts;
  const originator = insideOf(parts, 0);
  const ukmBlock = insideOf(parts, 1);
  const [algorithm, encryptedKeys] = parts.filter((part) => isUniversal(part, 16));
  const [encrypted, second] = partsOf(encryptedKeys);
  if (originator === undefined || second !== undefined) throw new Error('not one originator and one recipient');
  const [rid, wrapped] = partsOf(encrypted);
  const [type, wrapAlgorithm] = partsOf(algorithm);
  const [id, wrapId] = [oidOf(type), oidOf(partsOf(wrapAlgorithm)[0])];
  const agreement = keyOf(agreements, (value) => value === id) ?? keyOf(cofactorAgreements, (value) => value === id);
  const wrap = keyOf(wraps, (entry) => entry.id === wrapId);
  if (agreement === undefined || wrap === undefined || wrapAlgorithm === undefined)
    throw new Error(`key agreement ${id} with ${wrapId}`);
  const isEphemeral = isContext(originator, 1);
  const publicKey = isEphemeral
    ? publicKeyLike(privateKey, octetsOf(partsOf(originator)[1]))
    : findCertificate(originator, certificates).publicKey;
  const secret = diffieHellman({ privateKey, publicKey });
  const ukm = ukmBlock && octetsOf(ukmBlock);
  const kek = agreedKey(agreement, wrap, originalOf(wrapAlgorithm), secret, ukm);
  return {
    recipient: 'kari',
    recipientVersion: smallIntegerOf(version),
    recipientId: recipientIdOf(rid),
    originator: isEphemeral ? 'ephemeral' : recipientIdOf(originator),
    keyEncryption: id,
    key: unwrapKey(wrap, kek, octetsOf(wrapped)),
  };
}

/** RFC 5652 6.2.4, with AES key wrap (RFC 9483 4.1.6.3). */
function openPassword(parts: readonly BaseBlock[], secret: Uint8Array): Opened {
  const [version] = parts;
  const derivation = parts.find((part) => isContext(part, 0));
  const [algorithm] = parts.filter((part) => isUniversal(part, 16));
  const id = oidOf(partsOf(algorithm)[0]);
  const wrap = keyOf(wraps, (entry) => entry.id === id);
  if (wrap === undefined || derivation === undefined) throw new Error(`password recipient with ${id}`);
  const kek = derivedKey(derivation, secret, wraps[wrap].keyLength);
  return {
    recipient: 'pwri',
    recipientVersion: smallIntegerOf(version),
    keyEncryption: id,
    salt: octetsOf(partsOf(partsOf(derivation)[1])[0]).toString('hex'),
    key: unwrapKey(wrap, kek, octetsOf(parts.at(-1))),
  };
}

/** RecipientIdentifier, KeyAgreeRecipientIdentifier, OriginatorIdentifierOrKey, SignerIdentifier (RFC 5652 5.3 and 6.2). */
export function recipientIdOf(block: BaseBlock | undefined): RecipientId {
  if (block === undefined) throw new Error('nobody named');
  if (isUniversal(block, 16)) return { serialNumber: hexOf(partsOf(block)[1]) };
  // An rKeyId is a SEQUENCE around what the others have for themselves.
  const octets = block instanceof Primitive ? implicitOctets(block) : octetsOf(partsOf(block)[0]);
  return { subjectKeyId: octets.toString('hex') };
}

/** Whether a certificate has the name. */
export function isNamedBy(certificate: X509Certificate, { subjectKeyId, serialNumber }: RecipientId): boolean {
  const decoded = decodeCertificate(certificate.raw);
  if (subjectKeyId === undefined) return decoded.serialNumber === serialNumber;
  return Buffer.from(subjectKeyIdOf(decoded) ?? []).toString('hex') === subjectKeyId;
}

function findCertificate(named: BaseBlock, certificates: readonly X509Certificate[]): X509Certificate {
  const found = certificates.find((certificate) => isNamedBy(certificate, recipientIdOf(named)));
  if (found === undefined) throw new Error('the originator is not among the certificates');
  return found;
}

/** [n] IMPLICIT OCTET STRING, in one piece */
function implicitOctets(block: BaseBlock | undefined): Buffer {
  if (block instanceof Primitive) return Buffer.from(block.valueBlock.valueHexView);
  throw new Error('no octets in one piece');
}
