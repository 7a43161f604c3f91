/** The signatures of RFC 9481 3, each made and verified by its AlgorithmIdentifier: by node:crypto, or from primitives. */
import { constants, type KeyObject, sign, verify } from 'node:crypto';
import { type BaseBlock, fromBER } from 'asn1js';
import { bitString, explicit, nullValue, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { oidOf, originalOf, partsOf } from '../asn1-values.js';
import { type Digest, digestIds } from './identifiers.js';
import { signEcdsaShake, signPssShake, verifyEcdsaShake, verifyPssShake } from './shake-signatures.js';

export type SignatureName =
  | `rsa-${Digest}`
  | `ecdsa-${Digest}`
  | `rsa-pss-${Digest}`
  | 'rsa-pss-shake128'
  | 'rsa-pss-shake256'
  | 'ecdsa-shake128'
  | 'ecdsa-shake256'
  | 'ed25519'
  | 'ed448';

/** DER AlgorithmIdentifier; parameters of RSA PKCS #1 v1.5 are NULL, and absent of all else but PSS. */
export function signatureIdentifier(name: SignatureName): Uint8Array {
  const pssDigest = pssDigests.get(name);
  if (pssDigest !== undefined) return sequence(oid(idRsassaPss), pssParameters(pssDigest));
  const id = ids.get(name);
  if (id === undefined) throw new Error(`no signature: ${name}`);
  return sequence(oid(id), /^rsa-sha/.test(name) ? nullValue : undefined);
}

/** What a key signs with unless told otherwise. */
export function usualSignature({ asymmetricKeyType }: KeyObject): SignatureName {
  if (asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448') return asymmetricKeyType;
  return asymmetricKeyType === 'rsa' ? 'rsa-sha256' : 'ecdsa-sha256';
}

export function signWith(identifier: Uint8Array, privateKey: KeyObject, data: Uint8Array): Buffer {
  const name = readName(identifier);
  if (name === 'rsa-pss-shake128' || name === 'rsa-pss-shake256') return signPssShake(shakeOf(name), privateKey, data);
  if (name === 'ecdsa-shake128' || name === 'ecdsa-shake256') return signEcdsaShake(shakeOf(name), privateKey, data);
  return sign(digestOf(name), data, { key: privateKey, ...paddingOf(name) });
}

/** A PKCS #10 request (DER) with another signature in the place of its own. */
export function signedAnew(csr: Uint8Array, algorithm: SignatureName, privateKey: KeyObject): Uint8Array {
  const [signed] = partsOf(fromBER(csr).result).map(originalOf);
  if (signed === undefined) throw new Error('no PKCS #10 request');
  const identifier = signatureIdentifier(algorithm);
  return sequence(signed, identifier, bitString(signWith(identifier, privateKey, signed)));
}

/** @throws Error for an algorithm that is none of these */
export function isSignedWith(identifier: Uint8Array, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const name = readName(identifier);
  if (!goesWith(name, key)) return false;
  if (name === 'rsa-pss-shake128' || name === 'rsa-pss-shake256')
    return verifyPssShake(shakeOf(name), key, data, signature);
  if (name === 'ecdsa-shake128' || name === 'ecdsa-shake256')
    return verifyEcdsaShake(shakeOf(name), key, data, signature);
  return verify(digestOf(name), data, { key, ...paddingOf(name) }, signature);
}

/** The digest in the name of an algorithm (DER); undefined for the Edwards curves and SHAKE, which have their own. */
export function signatureDigest(identifier: Uint8Array): Digest | undefined {
  return digestOf(readName(identifier));
}

function readName(identifier: Uint8Array): SignatureName {
  const [type, parameters] = partsOf(fromBER(identifier).result);
  const id = oidOf(type);
  if (id === idRsassaPss) return readPss(partsOf(parameters));
  for (const [name, known] of ids) if (known === id) return name;
  throw new Error(`signature algorithm ${id}`);
}

const idRsassaPss = '1.2.840.113549.1.1.10';
const idMgf1 = '1.2.840.113549.1.1.8';
const sha3 = '2.16.840.1.101.3.4.3';

const ids: ReadonlyMap<SignatureName, string> = new Map([
  ['rsa-sha1', '1.2.840.113549.1.1.5'],
  ['rsa-sha224', '1.2.840.113549.1.1.14'],
  ['rsa-sha256', '1.2.840.113549.1.1.11'],
  ['rsa-sha384', '1.2.840.113549.1.1.12'],
  ['rsa-sha512', '1.2.840.113549.1.1.13'],
  ['rsa-sha3-224', `${sha3}.13`],
  ['rsa-sha3-256', `${sha3}.14`],
  ['rsa-sha3-384', `${sha3}.15`],
  ['rsa-sha3-512', `${sha3}.16`],
  ['ecdsa-sha1', '1.2.840.10045.4.1'],
  ['ecdsa-sha224', '1.2.840.10045.4.3.1'],
  ['ecdsa-sha256', '1.2.840.10045.4.3.2'],
  ['ecdsa-sha384', '1.2.840.10045.4.3.3'],
  ['ecdsa-sha512', '1.2.840.10045.4.3.4'],
  ['ecdsa-sha3-224', `${sha3}.9`],
  ['ecdsa-sha3-256', `${sha3}.10`],
  ['ecdsa-sha3-384', `${sha3}.11`],
  ['ecdsa-sha3-512', `${sha3}.12`],
  ['rsa-pss-shake128', '1.3.6.1.5.5.7.6.30'],
  ['rsa-pss-shake256', '1.3.6.1.5.5.7.6.31'],
  ['ecdsa-shake128', '1.3.6.1.5.5.7.6.32'],
  ['ecdsa-shake256', '1.3.6.1.5.5.7.6.33'],
  ['ed25519', '1.3.101.112'],
  ['ed448', '1.3.101.113'],
]);

/** RFC 4055 3.1, with salts of the digest's length. */
function pssParameters(digest: Digest): Uint8Array {
  if (digest === 'sha1') return sequence();
  // RFC 4055 2.1, RFC 9688 2
  const hashAlgorithm = sequence(oid(digestIds[digest]), digest.startsWith('sha3-') ? undefined : nullValue);
  const length = smallInteger(saltLengths[digest]);
  return sequence(explicit(0, hashAlgorithm), explicit(1, sequence(oid(idMgf1), hashAlgorithm)), explicit(2, length));
}

const saltLengths = {
  sha224: 28,
  sha256: 32,
  sha384: 48,
  sha512: 64,
  'sha3-224': 28,
  'sha3-256': 32,
  'sha3-384': 48,
  'sha3-512': 64,
} as const;

function readPss(parameters: readonly BaseBlock[]): SignatureName {
  const tagged = parameters.find(({ idBlock }) => idBlock.tagNumber === 0);
  const id = tagged === undefined ? digestIds.sha1 : oidOf(partsOf(partsOf(tagged)[0])[0]);
  for (const [name, digest] of pssDigests) if (digestIds[digest] === id) return name;
  throw new Error(`PSS with ${id}`);
}

const pssDigests: ReadonlyMap<SignatureName, Digest> = new Map([
  ['rsa-pss-sha1', 'sha1'],
  ['rsa-pss-sha224', 'sha224'],
  ['rsa-pss-sha256', 'sha256'],
  ['rsa-pss-sha384', 'sha384'],
  ['rsa-pss-sha512', 'sha512'],
  ['rsa-pss-sha3-224', 'sha3-224'],
  ['rsa-pss-sha3-256', 'sha3-256'],
  ['rsa-pss-sha3-384', 'sha3-384'],
  ['rsa-pss-sha3-512', 'sha3-512'],
]);

function digestOf(name: SignatureName): Digest | undefined {
  const last = name.replace(/^(rsa-pss|rsa|ecdsa)-/, '');
  return isDigest(last) ? last : undefined;
}

function isDigest(text: string): text is Digest {
  return Object.hasOwn(digestIds, text);
}

function shakeOf(name: string): 'shake128' | 'shake256' {
  return name.endsWith('128') ? 'shake128' : 'shake256';
}

function paddingOf(name: SignatureName) {
  if (!name.startsWith('rsa-pss-')) return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

function goesWith(name: SignatureName, { asymmetricKeyType }: KeyObject): boolean {
  if (name.startsWith('rsa-')) return asymmetricKeyType === 'rsa';
  return name.startsWith('ecdsa-') ? asymmetricKeyType === 'ec' : asymmetricKeyType === name;
}
