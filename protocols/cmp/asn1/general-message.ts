/** GenMsgContent, GenRepContent and the values of their infoTypes (RFC 9810 5.3.19). Many occur in generalInfo, too (5.1.1). */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { encodeTexts, readMoment, readTexts } from './building-blocks.js';
import { type CertTemplate, encodeCertTemplate } from './cert-template.js';
import { type EncryptedKey, readEncryptedKey } from './encrypted-key.js';
import { encodeInfos, type InfoTypeAndValue, readInfos } from './info-type-and-value.js';
import { idRegCtrlAlgId, idRegCtrlRsaKeyLen } from './oids.js';

/** Decodes GenMsgContent or GenRepContent. @throws DerError */
export function decodeGeneralMessage(der: Uint8Array): InfoTypeAndValue[] {
  return DerReader.decode(der, readInfos);
}

/** Encodes GenMsgContent or GenRepContent. @throws RangeError when an id is no OID */
export function encodeGeneralMessage(infos: readonly InfoTypeAndValue[]): Uint8Array {
  return encodeInfos(infos);
}

/**
 * Encodes a SEQUENCE OF what is encoded already: caCerts (5.3.19.14), crls (5.3.19.17), and the AlgorithmIdentifiers of
 * signKeyPairTypes and encKeyPairTypes (5.3.19.2, 5.3.19.3).
 * @param values DER
 */
export function encodeSequenceOf(values: readonly Uint8Array[]): Uint8Array {
  return sequence(...values);
}

/** Encodes unsupportedOIDs (5.3.19.7). @param ids dotted OIDs @throws RangeError for what is no OID */
export function encodeOids(ids: readonly string[]): Uint8Array {
  return sequence(...ids.map(oid));
}

/** Decodes revPassphrase (5.3.19.9). @throws DerError */
export function decodeRevPassphrase(value: Uint8Array): EncryptedKey {
  return DerReader.decode(value, readEncryptedKey);
}

/** Decodes confirmWaitTime (5.1.1.2). @throws DerError also for a UTCTime */
export function decodeConfirmWaitTime(value: Uint8Array): Date {
  return DerReader.decode(value, readMoment);
}

/** Decodes suppLangTags (5.3.19.13) and certProfile (5.1.1.4). @throws DerError also when there is none */
export function decodeUtf8Texts(value: Uint8Array): string[] {
  const texts = DerReader.decode(value, readTexts);
  if (texts.length === 0) throw new DerError('empty SEQUENCE OF UTF8String', 0);
  return texts;
}

/** Encodes suppLangTags and certProfile. */
export function encodeUtf8Texts(texts: readonly string[]): Uint8Array {
  return encodeTexts(texts);
}

/** Decodes rootCaCert (5.3.19.15): the DER certificate, of which the tag only is checked. @throws DerError */
export function decodeRootCaCert(value: Uint8Array): Uint8Array {
  return DerReader.decode(value, (r) => r.element(Tag.sequence));
}

/** RootCaKeyUpdateContent (5.3.19.15). DER certificates. */
export interface RootCaKeyUpdate {
  readonly newWithNew: Uint8Array;
  readonly newWithOld?: Uint8Array | undefined;
  readonly oldWithNew?: Uint8Array | undefined;
}

export function encodeRootCaKeyUpdate({ newWithNew, newWithOld, oldWithNew }: RootCaKeyUpdate): Uint8Array {
  return sequence(newWithNew, newWithOld && explicit(0, newWithOld), oldWithNew && explicit(1, oldWithNew));
}

/** CertReqTemplateContent (5.3.19.16). */
export interface CertReqTemplate {
  /** Empty values of names and extensions are for the client to fill in; without publicKey. */
  readonly template: Partial<CertTemplate>;
  /** The keys that are taken; empty says nothing of them. */
  readonly keySpec: readonly KeySpec[];
}

export type KeySpec =
  /** DER AlgorithmIdentifier, of any key but RSA. */
  { readonly type: 'algId'; readonly algorithm: Uint8Array } | { readonly type: 'rsaKeyLen'; readonly bits: number };

/** @throws RangeError as encodeCertTemplate does, and for bits that are no whole number from 0 */
export function encodeCertReqTemplate({ template, keySpec }: CertReqTemplate): Uint8Array {
  const controls = keySpec.map((spec) =>
    spec.type === 'algId'
      ? { id: idRegCtrlAlgId, value: spec.algorithm }
      : { id: idRegCtrlRsaKeyLen, value: smallInteger(spec.bits) },
  );
  return sequence(encodeCertTemplate(template), controls.length > 0 ? encodeInfos(controls) : undefined);
}
