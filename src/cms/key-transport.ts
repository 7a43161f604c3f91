/** The AlgorithmIdentifiers of RSA key transport (RFC 3370 section 4.2.1, RFC 4055 section 4.1). */

import { DerReader, Tag } from '../x509/der.js';
import { explicit, nullValue, oid, sequence } from '../x509/der-writer.js';
import type { KeyTransport } from '../x509/key-transport.js';
import { idMgf1, idSha1, idSha256, idSha384, idSha512, rsaEncryption } from '../x509/oids.js';
import type { HashAlgorithm } from '../x509/signature-algorithms.js';
import { CmsError } from './cms-error.js';
import { digestIdentifiers } from './digest-algorithms.js';
import { idPSpecified, idRsaesOaep } from './oids.js';

/** DER AlgorithmIdentifiers to send. */
export const keyTransportIdentifiers: Readonly<Record<KeyTransport, Uint8Array>> = {
  'rsa-pkcs1': sequence(oid(rsaEncryption), nullValue),
  'rsa-oaep-sha1': oaepIdentifier('sha1'),
  'rsa-oaep-sha256': oaepIdentifier('sha256'),
  'rsa-oaep-sha384': oaepIdentifier('sha384'),
  'rsa-oaep-sha512': oaepIdentifier('sha512'),
};

/** Reads a DER AlgorithmIdentifier. @throws CmsError (unsupported) for any other, DerError */
export function decodeKeyTransport(algorithm: Uint8Array): KeyTransport {
  const { id, parameters } = DerReader.decode(algorithm, (reader) =>
    reader.sequence((a) => ({ id: a.oid(), parameters: a.more ? a.element() : undefined })),
  );
  const keyTransport = keyTransportOf(id, parameters);
  if (keyTransport === undefined) throw new CmsError('unsupported', 'the key transport is not supported');
  return keyTransport;
}

/**
 * The key transport of this object identifier with these parameters (DER). Undefined when it is not supported, which
 * OAEP with a label or with another hash in MGF1 is not. @throws DerError
 */
export function keyTransportOf(id: string, parameters: Uint8Array | undefined): KeyTransport | undefined {
  if (id === rsaEncryption) return parameters === undefined || isNull(parameters) ? 'rsa-pkcs1' : undefined;
  if (id !== idRsaesOaep) return undefined;
  if (parameters === undefined) return 'rsa-oaep-sha1';
  const { hash, maskHash, isLabelEmpty } = DerReader.decode(parameters, readOaepParameters);
  return hash === maskHash && isLabelEmpty ? oaepByHash.get(hash) : undefined;
}

/** RFC 4055 section 4.1: the defaults of the parameters are SHA-1 and MGF1 with SHA-1, which DER leaves out. */
function oaepIdentifier(hash: HashAlgorithm): Uint8Array {
  const digest = digestIdentifiers[hash];
  const parameters =
    hash === 'sha1' ? sequence() : sequence(explicit(0, digest), explicit(1, sequence(oid(idMgf1), digest)));
  return sequence(oid(idRsaesOaep), parameters);
}

const oaepByHash: ReadonlyMap<string, KeyTransport> = new Map([
  [idSha1, 'rsa-oaep-sha1'],
  [idSha256, 'rsa-oaep-sha256'],
  [idSha384, 'rsa-oaep-sha384'],
  [idSha512, 'rsa-oaep-sha512'],
]);

function isNull(parameters: Uint8Array): boolean {
  return Buffer.compare(parameters, nullValue) === 0;
}

function readOaepParameters(reader: DerReader): { hash: string; maskHash: string; isLabelEmpty: boolean } {
  return reader.sequence((parameters) => ({
    hash: parameters.optional(Tag.context(0), (hash) => hash.inside(Tag.context(0), readAlgorithmId)) ?? idSha1,
    maskHash: parameters.optional(Tag.context(1), (mask) => mask.inside(Tag.context(1), readMaskHash)) ?? idSha1,
    isLabelEmpty:
      parameters.optional(Tag.context(2), (label) => label.inside(Tag.context(2), readIsLabelEmpty)) ?? true,
  }));
}

/** The hash of MGF1; an empty text for another function. */
function readMaskHash(reader: DerReader): string {
  return reader.sequence((mask) => {
    const id = mask.oid();
    const hash = mask.more ? readAlgorithmId(mask) : idSha1;
    return id === idMgf1 ? hash : '';
  });
}

/** The empty label is the default, which some encode nevertheless. */
function readIsLabelEmpty(reader: DerReader): boolean {
  return reader.sequence((source) => {
    const id = source.oid();
    const label = source.more ? source.element() : undefined;
    return id === idPSpecified && label?.[0] === Tag.octetString && label[1] === 0;
  });
}

function readAlgorithmId(reader: DerReader): string {
  return reader.sequence((algorithm) => {
    const id = algorithm.oid();
    if (algorithm.more) algorithm.element();
    return id;
  });
}
