/** Reads CMS messages with asn1js and node:crypto alone, so that what we encode is read by others. */
import { hash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { type BaseBlock, fromBER } from 'asn1js';
import { octetsOf, oidOf, originalOf, partsOf } from './asn1-values.js';
import { cmsIds, digestIds, keyOf, type ScepDigest } from './scep-identifiers.js';

export interface SignedMessage {
  /** Object identifier. */
  readonly contentType: string;
  readonly content?: Buffer;
  /** In the order of the message. */
  readonly certificates: readonly X509Certificate[];
  /** DER. */
  readonly crls: readonly Buffer[];
  /** Absent where nobody has signed, as in certs-only messages. */
  readonly signer?: SignerAnswer;
}

export interface SignerAnswer {
  /** The one of the message that the signer names. */
  readonly certificate: X509Certificate;
  readonly digest: ScepDigest;
  /** Object identifier. */
  readonly signatureAlgorithm: string;
  /** Whether signature, messageDigest and contentType are those of this content and certificate. */
  readonly isValid: boolean;
  /** The one value of each signed attribute, by object identifier. */
  readonly attributes: ReadonlyMap<string, BaseBlock>;
}

/** The SignedData in a ContentInfo, with one signer or none. @throws Error when it is none */
export function readSignedMessage(der: Uint8Array): SignedMessage {
  const { offset, result } = fromBER(der);
  if (offset !== der.length) throw new Error('no ContentInfo');
  const [type, tagged] = partsOf(result);
  if (oidOf(type) !== cmsIds.signedData) throw new Error(`no SignedData but ${oidOf(type)}`);
  const [_version, _digests, encapsulated, ...others] = partsOf(partsOf(tagged)[0]);
  const [contentType, taggedContent] = partsOf(encapsulated);
  const content = taggedContent && octetsOf(partsOf(taggedContent)[0]);
  const under = (number: number) => others.filter((block) => isTagged(block, number)).flatMap(partsOf);
  const [signer, ...more] = partsOf(others.at(-1));
  if (more.length > 0) throw new Error(`${more.length + 1} signers`);
  const read = {
    contentType: oidOf(contentType),
    ...(content && { content }),
    certificates: under(0).map((certificate) => new X509Certificate(originalOf(certificate))),
    crls: under(1).map(originalOf),
  };
  return signer === undefined ? read : { ...read, signer: readSigner(signer, read) };
}

function isTagged({ idBlock }: BaseBlock, number: number): boolean {
  return idBlock.tagClass === contextSpecific && idBlock.tagNumber === number;
}

const contextSpecific = 3;

function readSigner(block: BaseBlock, { certificates, content, contentType }: SignedMessage): SignerAnswer {
  const [_version, identifier, digestAlgorithm, ...others] = partsOf(block);
  const signed = others.find((other) => isTagged(other, 0));
  const [signatureAlgorithm, signature] = others.slice(signed === undefined ? 0 : 1);
  const [issuer, serialNumber] = partsOf(identifier);
  if (issuer === undefined || serialNumber === undefined) throw new Error('no issuer and serial number');
  const certificate = certificates.find(({ raw }) => isIdentified(raw, issuer, serialNumber));
  if (certificate === undefined) throw new Error("the signer's certificate is not in the message");
  const digestId = oidOf(partsOf(digestAlgorithm)[0]);
  const digest = keyOf(digestIds, (id) => id === digestId);
  if (digest === undefined) throw new Error(`digest ${digestId}`);
  const attributes = signed === undefined ? new Map<string, BaseBlock>() : readAttributes(signed);
  const contentDigest = hash(digest, content ?? Buffer.alloc(0), 'buffer');
  const saysContent =
    signed === undefined ||
    (contentDigest.equals(octetsOf(attributes.get(cmsIds.messageDigest))) &&
      oidOf(attributes.get(cmsIds.contentType)) === contentType);
  // What is signed is a SET OF; in its place it has the tag [0] (RFC 5652 5.4).
  const signedBytes = signed ? Buffer.concat([Buffer.of(0x31), originalOf(signed).subarray(1)]) : content;
  return {
    certificate,
    digest,
    signatureAlgorithm: oidOf(partsOf(signatureAlgorithm)[0]),
    isValid:
      saysContent && isSigned(certificate.publicKey, digest, signedBytes ?? Buffer.alloc(0), octetsOf(signature)),
    attributes,
  };
}

/** Whether a certificate (DER) has this issuer and serial number. */
function isIdentified(certificate: Buffer, issuer: BaseBlock, serialNumber: BaseBlock): boolean {
  const [version, serial, _signature, name] = partsOf(partsOf(fromBER(certificate).result)[0]);
  // Of version 1, which is not said, there is none among these.
  if (version === undefined || serial === undefined || name === undefined) return false;
  return originalOf(serial).equals(originalOf(serialNumber)) && originalOf(name).equals(originalOf(issuer));
}

function readAttributes(signed: BaseBlock): Map<string, BaseBlock> {
  const attributes = new Map<string, BaseBlock>();
  for (const [type, values] of partsOf(signed).map(partsOf)) {
    const [value, second] = partsOf(values);
    const id = oidOf(type);
    if (value === undefined || second !== undefined || attributes.has(id)) throw new Error(`not one value of ${id}`);
    attributes.set(id, value);
  }
  return attributes;
}

function isSigned(key: KeyObject, digest: ScepDigest, data: Buffer, signature: Buffer): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? undefined : digest, data, key, signature);
}
