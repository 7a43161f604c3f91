/** Builds the pkiMessages of a SCEP client (RFC 8894 3.2), wrong ones and those of old clients included, without src/cms. */
import { hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { Tag } from '../../src/x509/der.js';
import {
  nullValue,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  smallInteger,
  time,
  tlv,
} from '../../src/x509/der-writer.js';
import { encodeName } from '../../src/x509/names.js';
import { parseName } from '../../src/x509/parse-name.js';
import { signatureAlgorithmFor } from '../../src/x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate, randomSerialNumber } from '../../src/x509/tbs-certificate.js';
import { berWriter, derWriter } from './ber-writer.js';
import { flipped } from './flipped.js';
import { type KeyPair, spkiOf } from './make-csr.js';
import { type EnvelopeOptions, issuerAndSerialNumber, makeEnvelope } from './scep-envelope.js';
import {
  cmsIds,
  digestIds,
  type MessageType,
  messageTypes,
  rsaEncryption,
  type ScepAttribute,
  type ScepDigest,
  scepAttributes,
} from './scep-identifiers.js';

export interface PkiMessageOptions extends Omit<EnvelopeOptions, 'damage'> {
  /** A number stands for a type that RFC 8894 does not know. */
  readonly type: MessageType | number;
  readonly signer: MessageSigner;
  /** Bytes are the attribute's value in DER, whatever its type. */
  readonly transactionId: string | Uint8Array;
  readonly senderNonce?: Uint8Array;
  /** DER certificates beside the signer's. */
  readonly furtherCertificates?: readonly Uint8Array[];
  readonly digest?: ScepDigest;
  readonly signingTime?: Date;
  readonly omit?: readonly (ScepAttribute | 'signerCertificate' | 'envelope')[];
  /** What is changed: signature and signedAttributes after the message was signed, the others before. */
  readonly damage?: 'signature' | 'signedAttributes' | 'messageDigest' | EnvelopeOptions['damage'];
  /** In BER with indefinite lengths. */
  readonly isIndefinite?: boolean;
}

/** A certificate (DER) and its key. */
export interface MessageSigner {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

/** A ContentInfo with SignedData around the EnvelopedData: DER, unless asked otherwise. */
export function makePkiMessage(options: PkiMessageOptions): Uint8Array {
  const { signer, digest = 'sha256', omit = [], damage, furtherCertificates = [] } = options;
  const write = options.isIndefinite ? berWriter : derWriter;
  const envelope = omit.includes('envelope') ? undefined : envelopeOf(options);
  const digestAlgorithm = sequence(oid(digestIds[digest]), nullValue);
  const attributes = signedAttributes(options, envelope ?? new Uint8Array());
  const signed = damage === 'signedAttributes' ? attributes.slice(1) : attributes;
  const signature = sign(hashFor(signer.privateKey, digest), setOf(...signed), signer.privateKey);
  const signerInfo = sequence(
    smallInteger(1),
    issuerAndSerialNumber(signer.certificate),
    digestAlgorithm,
    // What is signed is a SET OF; in its place it has the tag [0] (RFC 5652 5.4).
    tlv(Tag.context(0), ...attributes.toSorted(Buffer.compare)),
    signatureAlgorithm(signer.privateKey, digest),
    octetString(damage === 'signature' ? flipped(signature) : signature),
  );
  const certificates = [...(omit.includes('signerCertificate') ? [] : [signer.certificate]), ...furtherCertificates];
  const signedData = write.sequence(
    smallInteger(1),
    setOf(digestAlgorithm),
    write.sequence(oid(cmsIds.data), envelope && write.explicit(0, write.octetString(envelope))),
    certificates.length === 0 ? undefined : tlv(Tag.context(0), ...certificates),
    setOf(signerInfo),
  );
  return write.sequence(oid(cmsIds.signedData), write.explicit(0, signedData));
}

/** The self-signed certificate that a device without another signs its first request with (RFC 8894 2.3). */
export function selfSigned(key: KeyPair, subject: string | Uint8Array, at: Date): MessageSigner {
  const { privateKey } = key;
  const name = typeof subject === 'string' ? encodeName(parseName(subject)) : subject;
  const algorithm = signatureAlgorithmFor(keyTypeOf(privateKey), 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: randomSerialNumber(),
    signatureAlgorithm: algorithm.identifier,
    issuer: name,
    notBefore: new Date(at.getTime() - dayMilliseconds),
    notAfter: new Date(at.getTime() + dayMilliseconds),
    subject: name,
    subjectPublicKeyInfo: spkiOf(key),
    extensions: [],
  });
  const signature = sign(algorithm.hash, tbs, privateKey);
  return { certificate: encodeCertificate(tbs, algorithm.identifier, signature), privateKey };
}

const dayMilliseconds = 86_400_000;

function envelopeOf({ damage, isIndefinite, ...options }: PkiMessageOptions): Uint8Array {
  const inside = damage === 'encryptedKey' || damage === 'encryptedContent' ? { damage } : {};
  return makeEnvelope({ ...options, ...inside }, isIndefinite ? berWriter : derWriter);
}

function signedAttributes(options: PkiMessageOptions, content: Uint8Array): Uint8Array[] {
  const { digest = 'sha256', senderNonce = randomBytes(16), signingTime, transactionId, type, omit = [] } = options;
  const contentDigest = hash(digest, content, 'buffer');
  const own: readonly (readonly [ScepAttribute, Uint8Array])[] = [
    ['messageType', printableString(String(typeof type === 'number' ? type : messageTypes[type]))],
    ['transactionId', typeof transactionId === 'string' ? printableString(transactionId) : transactionId],
    ['senderNonce', octetString(senderNonce)],
  ];
  return [
    attribute(cmsIds.contentType, oid(cmsIds.data)),
    attribute(
      cmsIds.messageDigest,
      octetString(options.damage === 'messageDigest' ? flipped(contentDigest) : contentDigest),
    ),
    ...(signingTime ? [attribute(cmsIds.signingTime, time(signingTime))] : []),
    ...own.filter(([name]) => !omit.includes(name)).map(([name, value]) => attribute(scepAttributes[name], value)),
  ];
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value));
}

/** RSA under the name that most clients give it (RFC 3370 3.2). */
function signatureAlgorithm(key: KeyObject, digest: ScepDigest): Uint8Array {
  const type = keyTypeOf(key);
  if (type === 'rsa') return sequence(oid(rsaEncryption), nullValue);
  if (digest === 'md5') throw new Error('no ECDSA with MD5');
  return signatureAlgorithmFor(type, digest).identifier;
}

function hashFor(key: KeyObject, digest: ScepDigest): ScepDigest | undefined {
  return keyTypeOf(key) === 'ed25519' ? undefined : digest;
}

function keyTypeOf({ asymmetricKeyType }: KeyObject): 'rsa' | 'ec' | 'ed25519' {
  return asymmetricKeyType === 'rsa' || asymmetricKeyType === 'ed25519' ? asymmetricKeyType : 'ec';
}
