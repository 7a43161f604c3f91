/** RFC 5652 section 6: EnvelopedData. Reads the framing; who holds a recipient's key unwraps the content key. */

import { DerError, DerReader, Tag } from '../x509/der.js';
import { oid, sequence, setOf, smallInteger, tlv } from '../x509/der-writer.js';
import {
  type CertificateIdentifier,
  readCertificateIdentifier,
  readIssuerAndSerialNumber,
} from './certificate-identifier.js';
import { CmsError } from './cms-error.js';
import { type ContentEncryption, encryptContent } from './content-encryption.js';
import { decodeContentInfo, encodeContentInfo } from './content-info.js';
import { idEnvelopedData } from './oids.js';
import { encodeRecipientInfo, type Recipient } from './recipient-infos.js';

/** Who can open an envelope, as read. Algorithms are DER AlgorithmIdentifiers. */
export type RecipientInfo =
  | {
      readonly type: 'keyTransport';
      readonly identifier: CertificateIdentifier;
      readonly algorithm: Uint8Array;
      readonly encryptedKey: Uint8Array;
    }
  | {
      readonly type: 'keyAgreement';
      /** ECPoint of the ephemeral key; undefined when the originator is named otherwise. */
      readonly originatorPoint: Uint8Array | undefined;
      readonly userKeyingMaterial: Uint8Array | undefined;
      readonly algorithm: Uint8Array;
      readonly encryptedKeys: readonly {
        readonly identifier: CertificateIdentifier;
        readonly encryptedKey: Uint8Array;
      }[];
    }
  | {
      readonly type: 'keyEncryptionKey';
      readonly keyIdentifier: Uint8Array;
      readonly algorithm: Uint8Array;
      readonly encryptedKey: Uint8Array;
    }
  | {
      readonly type: 'password';
      /** Of the key from the password. */
      readonly derivation: Uint8Array | undefined;
      readonly algorithm: Uint8Array;
      readonly encryptedKey: Uint8Array;
    }
  | { readonly type: 'other' };

export interface EnvelopedData {
  readonly recipients: readonly RecipientInfo[];
  /** Dotted OID of what is encrypted. */
  readonly contentType: string;
  /** DER AlgorithmIdentifier. */
  readonly contentEncryption: Uint8Array;
  readonly encryptedContent: Uint8Array;
  /** DER SET OF Attribute. */
  readonly unprotectedAttributes: Uint8Array | undefined;
}

/** What is to be encrypted, and for whom. */
export interface Envelope {
  /** Dotted OID. */
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly contentEncryption: ContentEncryption;
  readonly recipient: Recipient;
}

/** Encrypts `content` for one recipient: a ContentInfo. @throws CmsError (unsupported) for a key that does not fit */
export function encodeEnvelopedData(envelope: Envelope): Uint8Array {
  return encodeContentInfo(idEnvelopedData, sealEnvelope(envelope));
}

/** Encrypts as encodeEnvelopedData does: the DER of the EnvelopedData alone, for fields that can hold nothing else. */
export function sealEnvelope({ contentType, content, contentEncryption, recipient }: Envelope): Uint8Array {
  const { algorithm, encrypted, key } = encryptContent(contentEncryption, content);
  const { der, envelopeVersion } = encodeRecipientInfo(recipient, key);
  return sequence(
    smallInteger(envelopeVersion),
    setOf(der),
    sequence(oid(contentType), algorithm, tlv(Tag.contextPrimitive(0), encrypted)),
  );
}

/** Reads a ContentInfo, in DER or BER, that holds EnvelopedData. @throws DerError, CmsError (malformed: another content) */
export function decodeEnvelopedData(ber: Uint8Array): EnvelopedData {
  const { contentType, content } = decodeContentInfo(ber);
  if (contentType !== idEnvelopedData) throw new CmsError('malformed', 'the CMS message is not an EnvelopedData');
  return decodeEnvelope(content);
}

/** Reads the DER of an EnvelopedData alone, as `sealEnvelope` makes it. @throws DerError */
export function decodeEnvelope(der: Uint8Array): EnvelopedData {
  return DerReader.decode(der, (reader) =>
    reader.sequence((data) => {
      const at = data.offset;
      if (data.smallInteger() > 4) throw new DerError('unknown CMSVersion', at);
      data.optional(Tag.context(0), (originator) => originator.element());
      const recipients = data.each(Tag.set, readRecipientInfo, maximumRecipients);
      const encryptedContent = data.sequence(readEncryptedContent);
      const unprotectedAttributes = data.optional(Tag.context(1), (attributes) =>
        tlv(Tag.set, attributes.content(Tag.context(1))),
      );
      return { recipients, ...encryptedContent, unprotectedAttributes };
    }),
  );
}

const maximumRecipients = 16;
const maximumSegments = 20_000;

function readEncryptedContent(
  info: DerReader,
): Pick<EnvelopedData, 'contentType' | 'contentEncryption' | 'encryptedContent'> {
  const contentType = info.oid();
  const contentEncryption = info.element();
  // IMPLICIT hides from the BER normaliser that a constructed [0] is an OCTET STRING in segments.
  const encryptedContent =
    info.tag === Tag.context(0)
      ? Buffer.concat(info.each(Tag.context(0), (segment) => segment.octetString(), maximumSegments))
      : info.octetString(Tag.contextPrimitive(0));
  return { contentType, contentEncryption, encryptedContent };
}

function readRecipientInfo(reader: DerReader): RecipientInfo {
  if (reader.tag === Tag.sequence) return reader.sequence(readKeyTransport);
  if (reader.tag === Tag.context(1)) return reader.inside(Tag.context(1), readKeyAgreement);
  if (reader.tag === Tag.context(2)) return reader.inside(Tag.context(2), readKeyEncryptionKey);
  if (reader.tag === Tag.context(3)) return reader.inside(Tag.context(3), readPassword);
  reader.element();
  return { type: 'other' };
}

function readKeyTransport(info: DerReader): RecipientInfo {
  info.smallInteger();
  return {
    type: 'keyTransport',
    identifier: readCertificateIdentifier(info),
    algorithm: info.element(),
    encryptedKey: info.octetString(),
  };
}

function readKeyAgreement(info: DerReader): RecipientInfo {
  info.smallInteger();
  return {
    type: 'keyAgreement',
    originatorPoint: info.inside(Tag.context(0), readOriginatorPoint),
    userKeyingMaterial: info.optional(Tag.context(1), (ukm) => ukm.inside(Tag.context(1), (u) => u.octetString())),
    algorithm: info.element(),
    encryptedKeys: info.each(Tag.sequence, readRecipientEncryptedKey, maximumRecipients),
  };
}

function readOriginatorPoint(originator: DerReader): Uint8Array | undefined {
  if (originator.tag !== Tag.context(1)) {
    originator.element();
    return undefined;
  }
  return originator.inside(Tag.context(1), (key) => {
    key.element();
    return key.bitString();
  });
}

function readRecipientEncryptedKey(reader: DerReader): {
  identifier: CertificateIdentifier;
  encryptedKey: Uint8Array;
} {
  return reader.sequence((key) => ({
    identifier: readKeyAgreeIdentifier(key),
    encryptedKey: key.octetString(),
  }));
}

function readKeyAgreeIdentifier(reader: DerReader): CertificateIdentifier {
  if (reader.tag !== Tag.context(0)) return readIssuerAndSerialNumber(reader);
  return reader.inside(Tag.context(0), (identifier) => {
    const subjectKeyIdentifier = identifier.octetString();
    while (identifier.more) identifier.element();
    return { type: 'subjectKeyIdentifier', subjectKeyIdentifier };
  });
}

/** RFC 5652 section 6.2.4. */
function readPassword(info: DerReader): RecipientInfo {
  info.smallInteger();
  return {
    type: 'password',
    derivation: info.optional(Tag.context(0), (d) => sequence(d.content(Tag.context(0)))),
    algorithm: info.element(),
    encryptedKey: info.octetString(),
  };
}

function readKeyEncryptionKey(info: DerReader): RecipientInfo {
  info.smallInteger();
  const keyIdentifier = info.sequence((identifier) => {
    const value = identifier.octetString();
    while (identifier.more) identifier.element();
    return value;
  });
  return { type: 'keyEncryptionKey', keyIdentifier, algorithm: info.element(), encryptedKey: info.octetString() };
}
