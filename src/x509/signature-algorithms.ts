/** Signature algorithms (RFC 3279 2.2, RFC 4055, RFC 5758, RFC 8410): one table between identifiers and node:crypto. */

import { constants, type KeyObject, verify } from 'node:crypto';
import { DerReader, Tag } from './der.js';
import { explicit, nullValue, oid, sequence, smallInteger } from './der-writer.js';
import {
  ecdsaWithSha1,
  ecdsaWithSha256,
  ecdsaWithSha384,
  ecdsaWithSha512,
  idEd448,
  idEd25519,
  idMgf1,
  idRsassaPss,
  idSha1,
  idSha256,
  idSha384,
  idSha512,
  sha1WithRsaEncryption,
  sha256WithRsaEncryption,
  sha384WithRsaEncryption,
  sha512WithRsaEncryption,
} from './oids.js';
import type { KeyAlgorithm } from './public-key.js';

export type HashAlgorithm = 'sha1' | 'sha256' | 'sha384' | 'sha512';

export type SignatureAlgorithmName =
  | `rsa-${HashAlgorithm}`
  | `rsa-pss-${HashAlgorithm}`
  | `ecdsa-${HashAlgorithm}`
  | 'ed25519'
  | 'ed448';

/** How a signature is made, with a digest that node:crypto knows by that name. */
export interface SignatureScheme<Hash extends string = string> {
  /** The kind of key that makes such signatures. */
  readonly key: KeyAlgorithm;
  /** Absent where the algorithm hashes by itself (Ed25519, Ed448). */
  readonly hash?: Hash;
  /** Present for RSASSA-PSS; MGF1 uses the same hash. */
  readonly pss?: { readonly saltLength: number };
}

export interface SignatureAlgorithm extends SignatureScheme<HashAlgorithm> {
  readonly name: SignatureAlgorithmName;
  /** DER AlgorithmIdentifier. */
  readonly identifier: Uint8Array;
}

/** An AlgorithmIdentifier, well-formed, of a signature that the gateway does not handle. */
export class UnsupportedAlgorithmError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnsupportedAlgorithmError';
  }
}

/** Finds the algorithm of a DER AlgorithmIdentifier. @throws DerError or UnsupportedAlgorithmError */
export function decodeSignatureAlgorithm(identifier: Uint8Array): SignatureAlgorithm {
  const known = identifier.length <= longestFixedIdentifier ? fixedByIdentifier.get(latin1(identifier)) : undefined;
  if (known !== undefined) return known;
  const { id, parameters } = decodeAlgorithm(identifier);
  // RFC 4055 5: with NULL, but it must be accepted without.
  const withoutNull = parameters === undefined ? pkcs1ById.get(id) : undefined;
  if (withoutNull !== undefined) return withoutNull;
  if (id === idRsassaPss && parameters !== undefined) {
    const { hash, saltLength } = decodePssParameters(parameters, hashById);
    return { name: `rsa-pss-${hash}`, key: 'rsa', hash, pss: { saltLength }, identifier };
  }
  throw new UnsupportedAlgorithmError(`signature algorithm ${id}`);
}

/** How RSA signs: PKCS #1 v1.5, or RSASSA-PSS with MGF1, both with one hash, and a salt as long as that (RFC 4055 3.1). */
export type RsaPadding = 'pkcs1' | 'pss';

/** The algorithm for signing with such a key; EdDSA takes no notice of the hash, and only RSA of the padding. */
export function signatureAlgorithmFor(
  key: KeyAlgorithm,
  hash: HashAlgorithm,
  rsaPadding: RsaPadding = 'pkcs1',
): SignatureAlgorithm {
  if (key === 'rsa') return rsaPadding === 'pss' ? pss[hash] : pkcs1[hash];
  if (key === 'ec') return ecdsa[hash];
  return key === 'ed25519' ? ed25519 : ed448;
}

/** Verifies a signature; false for whatever is wrong with it, garbage and keys of another kind included. */
export function verifySignature(
  algorithm: SignatureScheme,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const type = key.asymmetricKeyType;
  const isOfKind = type === algorithm.key || (type === 'rsa-pss' && algorithm.pss !== undefined);
  if (!isOfKind) return false;
  try {
    if (algorithm.key !== 'rsa') return verify(algorithm.hash, data, key, signature);
    const { pss } = algorithm;
    const padding = pss === undefined ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_PSS_PADDING;
    const input = pss === undefined ? { key, padding } : { key, padding, saltLength: pss.saltLength };
    return verify(algorithm.hash, data, input, signature);
  } catch {
    return false;
  }
}

/**
 * Reads RSASSA-PSS-params (RFC 4055 3.1) with one of `hashes`, which are by object identifier and include SHA-1, the default.
 * @throws DerError or UnsupportedAlgorithmError
 */
export function decodePssParameters<Hash extends string>(
  parameters: Uint8Array,
  hashes: ReadonlyMap<string, Hash>,
): { readonly hash: Hash; readonly saltLength: number } {
  const { hash, maskHash, saltLength, trailer } = DerReader.decode(parameters, (r) =>
    r.sequence((p) => ({
      hash: p.optional(Tag.context(0), (o) => o.inside(Tag.context(0), readHash)) ?? idSha1,
      maskHash: p.optional(Tag.context(1), (o) => o.inside(Tag.context(1), readMaskHash)) ?? idSha1,
      saltLength: p.optional(Tag.context(2), (o) => o.inside(Tag.context(2), (n) => n.smallInteger())) ?? 20,
      trailer: p.optional(Tag.context(3), (o) => o.inside(Tag.context(3), (n) => n.smallInteger())) ?? 1,
    })),
  );
  const known = hashes.get(hash);
  if (known === undefined) throw new UnsupportedAlgorithmError(`hash ${hash}`);
  if (hash !== maskHash || trailer !== 1) throw new UnsupportedAlgorithmError('RSASSA-PSS with unusual parameters');
  // No modulus that is taken has room for a longer one.
  if (saltLength > 2048) throw new UnsupportedAlgorithmError(`RSASSA-PSS with a salt of ${saltLength} octets`);
  return { hash: known, saltLength };
}

/** The outline of a DER AlgorithmIdentifier: dotted id, DER parameters. @throws DerError */
export function decodeAlgorithm(identifier: Uint8Array): { id: string; parameters: Uint8Array | undefined } {
  return DerReader.decode(identifier, (r) =>
    r.sequence((a) => ({ id: a.oid(), parameters: a.more ? a.element() : undefined })),
  );
}

type ByHash = Readonly<Record<HashAlgorithm, SignatureAlgorithm>>;

const pkcs1: ByHash = {
  sha1: { name: 'rsa-sha1', key: 'rsa', hash: 'sha1', identifier: identifier(sha1WithRsaEncryption, nullValue) },
  sha256: {
    name: 'rsa-sha256',
    key: 'rsa',
    hash: 'sha256',
    identifier: identifier(sha256WithRsaEncryption, nullValue),
  },
  sha384: {
    name: 'rsa-sha384',
    key: 'rsa',
    hash: 'sha384',
    identifier: identifier(sha384WithRsaEncryption, nullValue),
  },
  sha512: {
    name: 'rsa-sha512',
    key: 'rsa',
    hash: 'sha512',
    identifier: identifier(sha512WithRsaEncryption, nullValue),
  },
};
const ecdsa: ByHash = {
  sha1: { name: 'ecdsa-sha1', key: 'ec', hash: 'sha1', identifier: identifier(ecdsaWithSha1) },
  sha256: { name: 'ecdsa-sha256', key: 'ec', hash: 'sha256', identifier: identifier(ecdsaWithSha256) },
  sha384: { name: 'ecdsa-sha384', key: 'ec', hash: 'sha384', identifier: identifier(ecdsaWithSha384) },
  sha512: { name: 'ecdsa-sha512', key: 'ec', hash: 'sha512', identifier: identifier(ecdsaWithSha512) },
};
const pss: ByHash = {
  sha1: pssWith('sha1', idSha1, 20),
  sha256: pssWith('sha256', idSha256, 32),
  sha384: pssWith('sha384', idSha384, 48),
  sha512: pssWith('sha512', idSha512, 64),
};
const ed25519: SignatureAlgorithm = { name: 'ed25519', key: 'ed25519', identifier: identifier(idEd25519) };
const ed448: SignatureAlgorithm = { name: 'ed448', key: 'ed448', identifier: identifier(idEd448) };

const fixedByIdentifier: ReadonlyMap<string, SignatureAlgorithm> = new Map(
  [...Object.values(pkcs1), ...Object.values(ecdsa), ed25519, ed448].map((entry) => [latin1(entry.identifier), entry]),
);
const longestFixedIdentifier = 15;
const pkcs1ById: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  [sha1WithRsaEncryption, pkcs1.sha1],
  [sha256WithRsaEncryption, pkcs1.sha256],
  [sha384WithRsaEncryption, pkcs1.sha384],
  [sha512WithRsaEncryption, pkcs1.sha512],
]);
/** By dotted object identifier. */
export const hashById: ReadonlyMap<string, HashAlgorithm> = new Map([
  [idSha1, 'sha1'],
  [idSha256, 'sha256'],
  [idSha384, 'sha384'],
  [idSha512, 'sha512'],
]);

function identifier(id: string, parameters?: Uint8Array): Uint8Array {
  return sequence(oid(id), parameters);
}

function pssWith(hash: HashAlgorithm, id: string, saltLength: number): SignatureAlgorithm {
  // RFC 4055 3.1: SHA-1 is the default of all parameters, which DER leaves out.
  const parameters = hash === 'sha1' ? sequence() : pssParameters(sequence(oid(id), nullValue), saltLength);
  return {
    name: `rsa-pss-${hash}`,
    key: 'rsa',
    hash,
    pss: { saltLength },
    identifier: identifier(idRsassaPss, parameters),
  };
}

/** DER RSASSA-PSS-params (RFC 4055 3.1). @param digest DER AlgorithmIdentifier of the hash, which is not SHA-1 */
export function pssParameters(digest: Uint8Array, saltLength: number): Uint8Array {
  return sequence(
    explicit(0, digest),
    explicit(1, sequence(oid(idMgf1), digest)),
    explicit(2, smallInteger(saltLength)),
  );
}

function readMaskHash(reader: DerReader): string {
  return reader.sequence((m) => {
    const id = m.oid();
    if (id !== idMgf1) throw new UnsupportedAlgorithmError(`mask generation ${id}`);
    return readHash(m);
  });
}

/** The dotted id of a digest's AlgorithmIdentifier, whose parameters are NULL or absent. */
function readHash(reader: DerReader): string {
  return reader.sequence((h) => {
    const id = h.oid();
    if (h.more) h.null();
    return id;
  });
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
