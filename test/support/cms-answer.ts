/** Reads CMS messages with pkijs and node:crypto alone, so that what we encode is read by others. */
import { hash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import type { BaseBlock } from 'asn1js';
import { Certificate, CertificateRevocationList, ContentInfo, IssuerAndSerialNumber, SignedData } from 'pkijs';
import { bytesOf, octetsOf, oidOf } from './asn1-values.js';
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
  const info = ContentInfo.fromBER(der);
  if (info.contentType !== cmsIds.signedData) throw new Error(`no SignedData but ${info.contentType}`);
  const data = new SignedData({ schema: info.content });
  const { eContent, eContentType } = data.encapContentInfo;
  const certificates = (data.certificates ?? []).map((entry) => {
    if (!(entry instanceof Certificate)) throw new Error('a certificate of another kind');
    return new X509Certificate(bytesOf(entry.toSchema()));
  });
  const crls = (data.crls ?? []).map((entry) => {
    if (!(entry instanceof CertificateRevocationList)) throw new Error('revocation information of another kind');
    return bytesOf(entry.toSchema());
  });
  if (data.signerInfos.length > 1) throw new Error(`${data.signerInfos.length} signers`);
  const content = eContent && Buffer.from(eContent.getValue());
  const read = { contentType: eContentType, ...(content && { content }), certificates, crls };
  return data.signerInfos.length === 0 ? read : { ...read, signer: readSigner(data, read) };
}

function readSigner(data: SignedData, { certificates, content, contentType }: SignedMessage): SignerAnswer {
  const [info] = data.signerInfos;
  if (info === undefined || !(info.sid instanceof IssuerAndSerialNumber))
    throw new Error('no issuer and serial number');
  const { issuer, serialNumber } = info.sid;
  const at = (data.certificates ?? []).findIndex(
    (entry) => entry instanceof Certificate && entry.issuer.isEqual(issuer) && entry.serialNumber.isEqual(serialNumber),
  );
  const certificate = certificates[at];
  if (certificate === undefined) throw new Error("the signer's certificate is not in the message");
  const digest = keyOf(digestIds, (id) => id === info.digestAlgorithm.algorithmId);
  if (digest === undefined) throw new Error(`digest ${info.digestAlgorithm.algorithmId}`);
  const attributes = new Map<string, BaseBlock>();
  for (const { type, values } of info.signedAttrs?.attributes ?? []) {
    const [value, second] = values;
    if (second !== undefined || attributes.has(type)) throw new Error(`several values of the attribute ${type}`);
    attributes.set(type, value);
  }
  const contentDigest = hash(digest, content ?? Buffer.alloc(0), 'buffer');
  const saysContent =
    info.signedAttrs === undefined ||
    (contentDigest.equals(octetsOf(attributes.get(cmsIds.messageDigest))) &&
      oidOf(attributes.get(cmsIds.contentType)) === contentType);
  const signed = info.signedAttrs ? Buffer.from(info.signedAttrs.encodedValue) : (content ?? Buffer.alloc(0));
  return {
    certificate,
    digest,
    signatureAlgorithm: info.signatureAlgorithm.algorithmId,
    isValid: saysContent && isSigned(certificate.publicKey, digest, signed, octetsOf(info.signature)),
    attributes,
  };
}

function isSigned(key: KeyObject, digest: ScepDigest, data: Buffer, signature: Buffer): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? undefined : digest, data, key, signature);
}
