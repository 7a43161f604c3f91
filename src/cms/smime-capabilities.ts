/** RFC 8551 section 2.5.2: SMIMECapabilities, what a client can decrypt, in its order of preference. */

import { DerError, DerReader, Tag } from '../x509/der.js';
import type { KeyTransport } from '../x509/key-transport.js';
import { type ContentEncryption, contentEncryptionByOid } from './content-encryption.js';
import { keyTransportOf } from './key-transport.js';
import { type KeyWrap, keyWrapByOid } from './key-wrap.js';
import { dhSinglePassStdDhSha256Kdf, dhSinglePassStdDhSha384Kdf, dhSinglePassStdDhSha512Kdf } from './oids.js';
import type { KeyAgreementHash } from './recipient-infos.js';

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

/** The first content cipher listed that is supported; DES and 3DES are for SCEP alone. */
export function findContentEncryption(capabilities: readonly SmimeCapability[]): ContentEncryption | undefined {
  return first(capabilities, ({ id }) => {
    const encryption = contentEncryptionByOid.get(id);
    return encryption === 'des-cbc' || encryption === 'des-ede3-cbc' ? undefined : encryption;
  });
}

/** The first AES key wrap listed. */
export function findKeyWrap(capabilities: readonly SmimeCapability[]): KeyWrap | undefined {
  return first(capabilities, ({ id }) => keyWrapByOid.get(id));
}

/** The first RSA key transport listed that is supported. */
export function findKeyTransport(capabilities: readonly SmimeCapability[]): KeyTransport | undefined {
  return first(capabilities, ({ id, parameters }) => keyTransportOf(id, parameters));
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

function algorithmId(identifier: Uint8Array): string {
  return DerReader.decode(identifier, (reader) =>
    reader.sequence((algorithm) => {
      const id = algorithm.oid();
      if (algorithm.more) algorithm.element();
      return id;
    }),
  );
}
