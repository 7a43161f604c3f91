/** RFC 5652 section 5: SignedData. This file reads it; verification and encoding are in the files beside it. */

import { DerError, DerReader, Tag } from '../x509/der.js';
import { tlv } from '../x509/der-writer.js';
import type { HashAlgorithm } from '../x509/signature-algorithms.js';
import { type Attributes, readAttributes } from './attributes.js';
import { type CertificateIdentifier, readCertificateIdentifier } from './certificate-identifier.js';
import { CmsError } from './cms-error.js';
import { decodeContentInfo } from './content-info.js';
import { findDigest } from './digest-algorithms.js';
import { idSignedData } from './oids.js';

export interface SignerInfo {
  readonly identifier: CertificateIdentifier;
  /** Undefined for a digest that is not known, such as MD5: the rest of the message can be read all the same. */
  readonly digest: HashAlgorithm | undefined;
  /** DER of the SignedAttributes as the SET OF that is signed; undefined when there are none. */
  readonly signed: Uint8Array | undefined;
  readonly signedAttributes: Attributes;
  readonly unsignedAttributes: Attributes;
  /** DER AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedData {
  /** Dotted OID of what is signed. */
  readonly contentType: string;
  /** What the eContent OCTET STRING holds; undefined when it is not there (degenerate or detached). */
  readonly content: Uint8Array | undefined;
  /** DER certificates in the order sent; other kinds of CertificateChoices are left out. */
  readonly certificates: readonly Uint8Array[];
  /** DER CertificateLists in the order sent. */
  readonly crls: readonly Uint8Array[];
  readonly signers: readonly SignerInfo[];
}

/** A key that signs CMS messages, and its certificate. */
export interface CmsSigner {
  /** DER. */
  readonly certificate: Uint8Array;
  readonly algorithm: 'rsa' | 'ec' | 'ed25519';
  /** Hashes and signs: PKCS #1 v1.5, ECDSA-Sig-Value (DER), or Ed25519, which does its own hashing. */
  sign(data: Uint8Array, hash: HashAlgorithm): Promise<Uint8Array>;
}

/**
 * Reads a ContentInfo, in DER or BER, that holds SignedData. Nothing is verified.
 * @throws DerError, CmsError (malformed: another content)
 */
export function decodeSignedData(ber: Uint8Array): SignedData {
  const { contentType, content } = decodeContentInfo(ber);
  if (contentType !== idSignedData) throw new CmsError('malformed', 'the CMS message is not a SignedData');
  return DerReader.decode(content, readSignedData);
}

const maximumDigests = 16;
const maximumSigners = 16;
const maximumCertificates = 32;
const maximumCrls = 16;

function readSignedData(reader: DerReader): SignedData {
  return reader.sequence((data) => {
    readVersion(data);
    data.each(Tag.set, (digest) => digest.element(), maximumDigests);
    const { contentType, content } = data.sequence((encapsulated) => ({
      contentType: encapsulated.oid(),
      content: encapsulated.optional(Tag.context(0), (c) => c.inside(Tag.context(0), (e) => e.octetString())),
    }));
    const certificates = readSequences(data, Tag.context(0), maximumCertificates);
    const crls = readSequences(data, Tag.context(1), maximumCrls);
    const signers = data.each(Tag.set, readSignerInfo, maximumSigners);
    return { contentType, content, certificates, crls, signers };
  });
}

/** CMSVersion says which optional forms occur, which the tags say too; only nonsense is refused. */
function readVersion(reader: DerReader): void {
  const at = reader.offset;
  if (reader.smallInteger() > 5) throw new DerError('unknown CMSVersion', at);
}

/** Certificates and CRLs are the alternatives without a tag of their own in their CHOICEs. */
function readSequences(reader: DerReader, tag: number, maximum: number): Uint8Array[] {
  if (reader.tag !== tag) return [];
  const all = reader.each(tag, (choice) => choice.element(), maximum);
  return all.filter((choice) => choice[0] === Tag.sequence);
}

function readSignerInfo(reader: DerReader): SignerInfo {
  return reader.sequence((info) => {
    readVersion(info);
    const identifier = readCertificateIdentifier(info);
    const digest = findDigest(info.element());
    // RFC 5652 section 5.4: signed under the tag SET OF, not under the [0] that it is sent with; the bytes are those
    // received, because nothing but what the signer encoded has been signed.
    const signed = info.optional(Tag.context(0), (attributes) => tlv(Tag.set, attributes.content(Tag.context(0))));
    const signatureAlgorithm = info.element();
    const signature = info.octetString();
    const unsigned = info.optional(Tag.context(1), (attributes) => readAttributes(attributes, Tag.context(1)));
    return {
      identifier,
      digest,
      signed,
      signedAttributes: signed === undefined ? new Map() : DerReader.decode(signed, (r) => readAttributes(r, Tag.set)),
      unsignedAttributes: unsigned ?? new Map(),
      signatureAlgorithm,
      signature,
    };
  });
}
