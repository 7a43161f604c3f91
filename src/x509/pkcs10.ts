/** CertificationRequest (RFC 2986) with the attributes that enrollment reads (RFC 2985 5.4). */

import type { KeyObject } from 'node:crypto';
import { readString } from './character-strings.js';
import { DerError, DerReader, Tag } from './der.js';
import { bitString, oid, sequence, setOf, smallInteger, tlv } from './der-writer.js';
import { type Extension, readExtensions } from './extensions.js';
import { pkcs9AtChallengePassword, pkcs9AtExtensionRequest, szOidCertExtensions } from './oids.js';
import { importPublicKey } from './public-key.js';
import { decodeSignatureAlgorithm, verifySignature } from './signature-algorithms.js';

export interface RequestAttribute {
  /** Dotted OID. */
  readonly type: string;
  /** DER, at least one. */
  readonly values: readonly Uint8Array[];
}

export interface CertificationRequest {
  readonly der: Uint8Array;
  /** DER CertificationRequestInfo. */
  readonly signed: Uint8Array;
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly attributes: readonly RequestAttribute[];
  /** DER AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
  /** From extensionRequest, or Microsoft's attribute of the same content. */
  readonly extensions: readonly Extension[];
  readonly challengePassword?: string;
}

/**
 * Decodes a request; what it returns are views of `der`. Neither the key nor the signature is looked at.
 * @throws DerError also for a version other than 0, and for extensionRequest or challengePassword given twice
 */
export function decodeCertificationRequest(der: Uint8Array): CertificationRequest {
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      const signed = c.element(Tag.sequence);
      const { subject, subjectPublicKeyInfo, attributes } = DerReader.decode(signed, readInfo);
      const signatureAlgorithm = c.element(Tag.sequence);
      const signature = c.bitString();
      const extensions = requestedExtensions(attributes);
      const challengePassword = findChallengePassword(attributes);
      const outline = {
        der,
        signed,
        subject,
        subjectPublicKeyInfo,
        attributes,
        signatureAlgorithm,
        signature,
        extensions,
      };
      return challengePassword === undefined ? outline : { ...outline, challengePassword };
    }),
  );
}

/**
 * Verifies that the request is signed with its own key: the proof of possession. Give `key` where it is imported already.
 * @throws UnsupportedAlgorithmError, UnsupportedKeyError or DerError when there is nothing to verify with
 */
export function verifyCertificationRequest(
  request: CertificationRequest,
  key: KeyObject = importPublicKey(request.subjectPublicKeyInfo),
): boolean {
  const algorithm = decodeSignatureAlgorithm(request.signatureAlgorithm);
  return verifySignature(algorithm, key, request.signed, request.signature);
}

export interface CertificationRequestContent {
  /** DER Name. */
  readonly subject: Uint8Array;
  /** DER. */
  readonly subjectPublicKeyInfo: Uint8Array;
  /** What the certificate is asked to say, each a whole DER Extension; at least one. */
  readonly extensions: readonly Uint8Array[];
}

/** Encodes a CertificationRequestInfo with an extensionRequest: what is to be signed. */
export function encodeCertificationRequestInfo(content: CertificationRequestContent): Uint8Array {
  const { subject, subjectPublicKeyInfo, extensions } = content;
  const attribute = sequence(oid(pkcs9AtExtensionRequest), setOf(sequence(...extensions)));
  return sequence(smallInteger(0), subject, subjectPublicKeyInfo, tlv(Tag.context(0), attribute));
}

/** Puts a CertificationRequest together. @param signatureAlgorithm DER AlgorithmIdentifier */
export function encodeCertificationRequest(
  info: Uint8Array,
  signatureAlgorithm: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  return sequence(info, signatureAlgorithm, bitString(signature));
}

const maximumAttributes = 64;
const maximumValues = 16;

function readInfo(reader: DerReader): Pick<CertificationRequest, 'subject' | 'subjectPublicKeyInfo' | 'attributes'> {
  return reader.sequence((info) => {
    const from = info.offset;
    if (info.smallInteger() !== 0) throw new DerError('unknown version of CertificationRequest', from);
    return {
      subject: info.element(Tag.sequence),
      subjectPublicKeyInfo: info.element(Tag.sequence),
      // RFC 2986 asks for the field even when it is empty; some old clients leave it out.
      attributes: info.more ? info.each(Tag.context(0), readAttribute, maximumAttributes) : [],
    };
  });
}

function readAttribute(reader: DerReader): RequestAttribute {
  return reader.sequence((a) => {
    const type = a.oid();
    const from = a.offset;
    const values = a.each(Tag.set, (v) => v.element(), maximumValues);
    if (values.length === 0) throw new DerError('attribute without value', from);
    return { type, values };
  });
}

function requestedExtensions(attributes: readonly RequestAttribute[]): Extension[] {
  const isRequest = ({ type }: RequestAttribute) => type === pkcs9AtExtensionRequest || type === szOidCertExtensions;
  const value = singleValue(attributes, isRequest);
  return value === undefined ? [] : DerReader.decode(value, readExtensions);
}

function findChallengePassword(attributes: readonly RequestAttribute[]): string | undefined {
  const value = singleValue(attributes, ({ type }) => type === pkcs9AtChallengePassword);
  return value && DerReader.decode(value, readString).value;
}

/** The value of an attribute that may occur once, with one value: of two, another reader might take the other. */
function singleValue(
  attributes: readonly RequestAttribute[],
  isMeant: (attribute: RequestAttribute) => boolean,
): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  for (const attribute of attributes) {
    if (!isMeant(attribute)) continue;
    if (found !== undefined || attribute.values.length > 1) throw new DerError(`attribute ${attribute.type} twice`, 0);
    found = attribute.values[0];
  }
  return found;
}
