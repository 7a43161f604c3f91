/** The answers to general messages about CA certificates and algorithms (RFC 9810 5.3.19.1 to 5.3.19.15). */

import type { KeyConstraints } from '../../src/model/key-constraints.js';
import { decoding } from '../../src/x509/decoding.js';
import { oid, sequence } from '../../src/x509/der-writer.js';
import {
  idEcPublicKey,
  idEd448,
  idEd25519,
  idX448,
  idX25519,
  rsaEncryption,
  secp256r1,
  secp384r1,
  secp521r1,
} from '../../src/x509/oids.js';
import {
  decodeRootCaCert,
  decodeUtf8Texts,
  encodeRootCaKeyUpdate,
  encodeSequenceOf,
  encodeUtf8Texts,
} from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import {
  idItCaCerts,
  idItCaProtEncCert,
  idItEncKeyPairTypes,
  idItPreferredSymmAlg,
  idItRootCaKeyUpdate,
  idItSignKeyPairTypes,
  idItSuppLangTags,
} from './asn1/oids.js';
import { CmpError } from './errors.js';
import { type CmpRequest, outlineFor } from './request.js';

/** From the issuing CA to the root, where the policy lets that out. */
export async function caCertificates({ services, exchange, policy }: CmpRequest): Promise<InfoTypeAndValue> {
  const chain = services.caCertificates(exchange.params.label);
  const certificates = policy.cmp.includeRoot || chain.length === 1 ? chain : chain.slice(0, -1);
  return { id: idItCaCerts, value: encodeSequenceOf(certificates) };
}

/** What clients encrypt private keys and passphrases to. */
export async function encryptionCertificate({ services, exchange }: CmpRequest): Promise<InfoTypeAndValue> {
  const [current] = await services.encryptionKeys('cmp-encryption', exchange.params.label);
  return { id: idItCaProtEncCert, ...(current ? { value: current.certificate } : {}) };
}

/** Without a value when there is no new root. */
export async function rootUpdate(
  { services, exchange }: CmpRequest,
  value: Uint8Array | undefined,
): Promise<InfoTypeAndValue> {
  const root = value && decoding('rootCaCert', () => decodeRootCaCert(value));
  const update = await services.rootUpdate(exchange.params.label, root);
  return update ? { id: idItRootCaKeyUpdate, value: encodeRootCaKeyUpdate(update) } : { id: idItRootCaKeyUpdate };
}

export async function signingKeyTypes(request: CmpRequest): Promise<InfoTypeAndValue> {
  const keys = { ...outlineFor(request).keys, x25519: false, x448: false };
  return keyTypes(idItSignKeyPairTypes, keys);
}

/** Keys that can be encrypted to: all but EdDSA's. */
export async function encryptionKeyTypes(request: CmpRequest): Promise<InfoTypeAndValue> {
  const keys = { ...outlineFor(request).keys, ed25519: false, ed448: false };
  return keyTypes(idItEncKeyPairTypes, keys);
}

/** Without a value where no key is taken: none of these sequences may be empty (RFC 9810 5.3.19.2 and 5.3.19.3). */
function keyTypes(id: string, keys: KeyConstraints): InfoTypeAndValue {
  const algorithms = keyAlgorithms(keys);
  return algorithms.length > 0 ? { id, value: encodeSequenceOf(algorithms) } : { id };
}

export async function preferredSymmetricAlgorithm(): Promise<InfoTypeAndValue> {
  return { id: idItPreferredSymmAlg, value: sequence(oid(aes256Cbc)) };
}

/** The gateway speaks English only (RFC 9810 5.3.19.13). */
export async function languageTags(_request: CmpRequest, value: Uint8Array | undefined): Promise<InfoTypeAndValue> {
  if (value === undefined) throw new CmpError('badRequest', 'suppLangTags must name languages');
  const tags = decoding('suppLangTags', () => decodeUtf8Texts(value));
  const english = tags.find((tag) => englishTag.test(tag));
  if (english === undefined) {
    throw new CmpError('badRequest', 'the gateway speaks English only: offer en, or a tag that begins with en-');
  }
  return { id: idItSuppLangTags, value: encodeUtf8Texts([english]) };
}

/** DER AlgorithmIdentifiers of the public keys that a policy takes. */
export function keyAlgorithms({ rsa, ec, ed25519, ed448, x25519, x448 }: KeyConstraints): Uint8Array[] {
  return [
    ...(ec?.curves ?? []).map((curve) => sequence(oid(idEcPublicKey), oid(curveIdentifiers[curve]))),
    ...(ed25519 ? [sequence(oid(idEd25519))] : []),
    ...(ed448 ? [sequence(oid(idEd448))] : []),
    ...(x25519 ? [sequence(oid(idX25519))] : []),
    ...(x448 ? [sequence(oid(idX448))] : []),
    ...(rsa ? [sequence(oid(rsaEncryption), Uint8Array.of(5, 0))] : []),
  ];
}

const curveIdentifiers = { 'P-256': secp256r1, 'P-384': secp384r1, 'P-521': secp521r1 } as const;
const aes256Cbc = '2.16.840.1.101.3.4.1.42';
/** RFC 5646 2.1.1: case says nothing. */
const englishTag = /^en(?:-[a-z0-9]{1,8})*$/i;
