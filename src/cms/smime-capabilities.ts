/** RFC 8551 section 2.5.2: SMIMECapabilities, what a client can decrypt, in its order of preference. */

import { DerError, DerReader, Tag } from '../x509/der.js';
import { idMgf1, idSha1, idSha256, idSha384, idSha512, rsaEncryption } from '../x509/oids.js';
import { type ContentEncryption, contentEncryptionByOid } from './content-encryption.js';
import { type KeyWrap, keyWrapByOid } from './key-wrap.js';
import {
  dhSinglePassStdDhSha256Kdf,
  dhSinglePassStdDhSha384Kdf,
  dhSinglePassStdDhSha512Kdf,
  idRsaesOaep,
} from './oids.js';
import type { KeyAgreementHash, KeyTransport } from './recipient-infos.js';

export interface SmimeCapability {
  /** Dotted OID. */
  readonly id: string;
  /** DER, undefined when absent. */
  readonly parameters: Uint8Array | undefined;
}

/** Reads SMIMECapabilities, at most 64. @throws DerError */
export function decodeSmimeCapabilities(der: Uint8Array): SmimeCapability[] {
  return DerReader.decode(der, (reader) =>
    reader.each(
      Tag.sequence,
      (capability) => capability.sequence((c) => ({ id: c.oid(), parameters: c.more ? c.element() : undefined })),
      maximumCapabilities,
    ),
  );
}

/** The first content cipher listed that is supported. */
export function findContentEncryption(capabilities: readonly SmimeCapability[]): ContentEncryption | undefined {
  return first(capabilities, ({ id }) => contentEncryptionByOid.get(id));
}

/** The first AES key wrap listed. */
export function findKeyWrap(capabilities: readonly SmimeCapability[]): KeyWrap | undefined {
  return first(capabilities, ({ id }) => keyWrapByOid.get(id));
}

/** The first RSA key transport listed that is supported. */
export function findKeyTransport(capabilities: readonly SmimeCapability[]): KeyTransport | undefined {
  return first(capabilities, ({ id, parameters }) => {
    if (id === rsaEncryption) return 'rsa-pkcs1';
    return id === idRsaesOaep ? decodeOaepParameters(parameters) : undefined;
  });
}

/** The first ECDH scheme listed that is supported, with its key wrap. */
export function findKeyAgreement(
  capabilities: readonly SmimeCapability[],
): { readonly hash: KeyAgreementHash; readonly keyWrap: KeyWrap } | undefined {
  return first(capabilities, ({ id, parameters }) => {
    const hash = keyAgreementHashes.get(id);
    if (hash === undefined || parameters === undefined) return undefined;
    const keyWrap = keyWrapByOid.get(algorithmId(parameters));
    return keyWrap === undefined ? undefined : { hash, keyWrap };
  });
}

const maximumCapabilities = 64;

function first<T>(
  capabilities: readonly SmimeCapability[],
  choose: (capability: SmimeCapability) => T | undefined,
): T | undefined {
  for (const capability of capabilities) {
    const choice = chooseReadable(capability, choose);
    if (choice !== undefined) return choice;
  }
  return undefined;
}

/** A capability with parameters that cannot be read is as good as an unknown one. */
function chooseReadable<T>(
  capability: SmimeCapability,
  choose: (capability: SmimeCapability) => T | undefined,
): T | undefined {
  try {
    return choose(capability);
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

const keyAgreementHashes: ReadonlyMap<string, KeyAgreementHash> = new Map([
  [dhSinglePassStdDhSha256Kdf, 'sha256'],
  [dhSinglePassStdDhSha384Kdf, 'sha384'],
  [dhSinglePassStdDhSha512Kdf, 'sha512'],
]);

const oaepByHash: ReadonlyMap<string, KeyTransport> = new Map([
  [idSha1, 'rsa-oaep-sha1'],
  [idSha256, 'rsa-oaep-sha256'],
  [idSha384, 'rsa-oaep-sha384'],
  [idSha512, 'rsa-oaep-sha512'],
]);

/** RSAES-OAEP-params (RFC 4055 section 4.1); undefined for a mask generation or label that is not supported. */
function decodeOaepParameters(parameters: Uint8Array | undefined): KeyTransport | undefined {
  if (parameters === undefined) return 'rsa-oaep-sha1';
  const { hash, maskHash, hasSource } = DerReader.decode(parameters, (reader) =>
    reader.sequence((p) => ({
      hash: p.optional(Tag.context(0), (h) => h.inside(Tag.context(0), readAlgorithmId)) ?? idSha1,
      maskHash: p.optional(Tag.context(1), (m) => m.inside(Tag.context(1), readMaskHash)) ?? idSha1,
      hasSource: p.optional(Tag.context(2), (s) => s.element()) !== undefined,
    })),
  );
  return hash === maskHash && !hasSource ? oaepByHash.get(hash) : undefined;
}

/** The hash of MGF1; an empty text for another function. */
function readMaskHash(reader: DerReader): string {
  return reader.sequence((mask) => {
    const id = mask.oid();
    const hash = mask.more ? readAlgorithmId(mask) : idSha1;
    return id === idMgf1 ? hash : '';
  });
}

function algorithmId(identifier: Uint8Array): string {
  return DerReader.decode(identifier, readAlgorithmId);
}

function readAlgorithmId(reader: DerReader): string {
  return reader.sequence((algorithm) => {
    const id = algorithm.oid();
    if (algorithm.more) algorithm.element();
    return id;
  });
}
