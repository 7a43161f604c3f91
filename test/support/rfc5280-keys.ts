/** Algorithms, public keys and signatures as RFC 3279, RFC 4055, RFC 5480, RFC 5758 and RFC 8410 want them in certificates. */
import { constants, createHash, createPublicKey, verify } from 'node:crypto';
import { certificateRules, type Report, sharedRules } from './rfc5280-rules.js';
import { type Asn1, createCursor, dottedOf, integerOf, MalformedError, readDer } from './strict-asn1.js';

export type KeyKind = 'rsa' | 'rsa-pss' | 'ec' | 'edwards' | 'montgomery';

export interface PublicKey {
  readonly kind: KeyKind | undefined;
  /** The SHA-1 of the bits of the key (4.2.1.2). */
  readonly identifier: Buffer;
}

/** Checks an AlgorithmIdentifier of a signature. @throws MalformedError */
export function checkSignatureAlgorithm(algorithm: Asn1, report: Report): void {
  const { id, parameters } = readAlgorithm(algorithm);
  if (rsaHashes.has(id)) {
    if (parameters?.tag !== 0x05) report(sharedRules.nullParameters);
  } else if (id === idRsaPss) {
    if (pssHashOf(parameters) === undefined) report(sharedRules.pssParameters);
  } else if (ecdsaHashes.has(id) || edwards.has(id)) {
    if (parameters !== undefined) report(sharedRules.absentParameters);
  } else report(sharedRules.unknownAlgorithm, id);
}

/** Whether a key made the signature; undefined where the algorithm does not say how. @throws MalformedError */
export function isSignedBy(
  spki: Uint8Array,
  algorithm: Asn1,
  { signed, signature }: { readonly signed: Uint8Array; readonly signature: Uint8Array },
): boolean | undefined {
  const { id, parameters } = readAlgorithm(algorithm);
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const type = key.asymmetricKeyType ?? '';
  const hash = rsaHashes.get(id);
  if (hash !== undefined) return type === 'rsa' && verify(hash, signed, key, signature);
  const ecdsaHash = ecdsaHashes.get(id);
  if (ecdsaHash !== undefined) return type === 'ec' && verify(ecdsaHash, signed, key, signature);
  if (edwards.has(id)) return type === edwards.get(id) && verify(null, signed, key, signature);
  const pssHash = pssHashOf(parameters);
  if (id !== idRsaPss || pssHash === undefined) return undefined;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return type.startsWith('rsa') && verify(pssHash, signed, { key, ...padding }, signature);
}

/** Checks a SubjectPublicKeyInfo. @throws MalformedError */
export function checkPublicKey(spki: Asn1, report: Report): PublicKey {
  const cursor = createCursor(spki);
  const algorithm = cursor.need('algorithm of the key', 0x30);
  const bits = cursor.need('key', 0x03).content;
  cursor.end();
  const key = bits.subarray(1);
  const kind = checkKey(algorithm, key, report);
  return { kind, identifier: createHash('sha1').update(key).digest() };
}

function checkKey(algorithm: Asn1, key: Buffer, report: Report): KeyKind | undefined {
  const { id, parameters } = readAlgorithm(algorithm);
  if (id === idRsa || id === idRsaPss) {
    const isFitting = id === idRsa ? parameters?.tag === 0x05 : parameters === undefined || pssHashOf(parameters);
    if (!isFitting) report(certificateRules.keyParameters);
    if (!isRsaKey(key)) report(certificateRules.keyForm);
    return id === idRsa ? 'rsa' : 'rsa-pss';
  }
  if (id === idEc) {
    const length = parameters?.tag === 0x06 ? coordinateLengths.get(dottedOf(parameters.content)) : undefined;
    if (length === undefined) report(certificateRules.keyParameters);
    else if (key[0] !== 0x04 || key.length !== 1 + 2 * length) report(certificateRules.keyForm);
    return 'ec';
  }
  const length = octetKeyLengths.get(id);
  if (length === undefined) {
    report(certificateRules.unknownKey, id);
    return undefined;
  }
  if (parameters !== undefined) report(certificateRules.keyParameters);
  if (key.length !== length) report(certificateRules.keyForm);
  return edwards.has(id) ? 'edwards' : 'montgomery';
}

function readAlgorithm(algorithm: Asn1): { readonly id: string; readonly parameters: Asn1 | undefined } {
  const cursor = createCursor(algorithm);
  const id = dottedOf(cursor.need('algorithm', 0x06).content);
  const [parameters, ...more] = cursor.rest();
  if (more.length > 0) throw new MalformedError('an algorithm with two parameters');
  return { id, parameters };
}

/** The one hash of RSASSA-PSS parameters: of the message, of MGF1, and as long as the salt; the trailer field left out. */
function pssHashOf(parameters: Asn1 | undefined): string | undefined {
  if (parameters?.tag !== 0x30) return undefined;
  const [hashField, maskField, saltField, ...more] = parameters.parts;
  if (hashField?.tag !== 0xa0 || maskField?.tag !== 0xa1 || saltField?.tag !== 0xa2 || more.length > 0)
    return undefined;
  const [hash, mask, salt] = [hashField.parts[0], maskField.parts[0], saltField.parts[0]];
  const [maskId, maskHash] = mask?.parts ?? [];
  if (hash === undefined || maskId === undefined || maskHash === undefined || salt?.tag !== 0x02) return undefined;
  const { id } = readAlgorithm(hash);
  const { id: ofMask } = readAlgorithm(maskHash);
  const known = pssHashes.get(id);
  if (known === undefined || id !== ofMask || dottedOf(maskId.content) !== idMgf1) return undefined;
  return integerOf(salt) === BigInt(known.length) ? known.name : undefined;
}

/** RFC 3279 2.3.1: a positive modulus and an odd exponent. */
function isRsaKey(key: Buffer): boolean {
  const [modulus, exponent, ...more] = readDer(key).parts;
  if (modulus?.tag !== 0x02 || exponent?.tag !== 0x02 || more.length > 0) return false;
  return integerOf(modulus) > 0n && integerOf(exponent) > 2n && integerOf(exponent) % 2n === 1n;
}

const idRsa = '1.2.840.113549.1.1.1';
const idRsaPss = '1.2.840.113549.1.1.10';
const idMgf1 = '1.2.840.113549.1.1.8';
const idEc = '1.2.840.10045.2.1';

const rsaHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
]);
const ecdsaHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
]);
const edwards: ReadonlyMap<string, string> = new Map([
  ['1.3.101.112', 'ed25519'],
  ['1.3.101.113', 'ed448'],
]);
const pssHashes: ReadonlyMap<string, { readonly name: string; readonly length: number }> = new Map([
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', length: 32 }],
  ['2.16.840.1.101.3.4.2.2', { name: 'sha384', length: 48 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', length: 64 }],
]);
/** In octets, by curve. */
const coordinateLengths: ReadonlyMap<string, number> = new Map([
  ['1.2.840.10045.3.1.7', 32],
  ['1.3.132.0.34', 48],
  ['1.3.132.0.35', 66],
]);
const octetKeyLengths: ReadonlyMap<string, number> = new Map([
  ['1.3.101.110', 32],
  ['1.3.101.111', 56],
  ['1.3.101.112', 32],
  ['1.3.101.113', 57],
]);
