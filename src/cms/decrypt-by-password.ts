/** Opens what is encrypted under a password: PBES2 (RFC 8018 6.2), and the one scheme of PKCS #12 that is no toy (RFC 7292 C). */

import { createDecipheriv, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { DerReader, Tag } from '../x509/der.js';
import { decodeAlgorithm } from '../x509/signature-algorithms.js';
import { CmsError } from './cms-error.js';
import { desEde3Cbc, hmacWithSha256, idAes128Cbc, idAes192Cbc, idAes256Cbc, idPbkdf2 } from './oids.js';
import { derivePkcs12Octets } from './pkcs12-kdf.js';
import { encodeBmp } from './pkcs12-mac.js';

/** The password does not open it, or what it opens is damaged: which of them cannot be told. */
export class WrongPasswordError extends Error {
  constructor() {
    super('the password does not open it');
    this.name = 'WrongPasswordError';
  }
}

/**
 * Decrypts; what it returns is for the caller to wipe.
 * @param algorithm DER AlgorithmIdentifier
 * @throws WrongPasswordError; CmsError for another scheme, or one that is made to take for ever; DerError
 */
export async function decryptByPassword(
  algorithm: Uint8Array,
  encrypted: Uint8Array,
  password: string,
): Promise<Uint8Array> {
  const { id, parameters } = decodeAlgorithm(algorithm);
  if (parameters === undefined) throw new CmsError('malformed', 'encryption under a password without parameters');
  const { cipher, key, iv } = await deriveCipher(id, parameters, password);
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  } catch {
    throw new WrongPasswordError();
  } finally {
    key.fill(0);
  }
}

/** As the keys of PKCS #12 take a password: UTF-16 with a terminator. @throws WrongPasswordError for what is no text */
export function pkcs12Password(password: string): Uint8Array {
  try {
    return encodeBmp(`${password}\0`);
  } catch {
    throw new WrongPasswordError();
  }
}

/** Five seconds of a core. */
export const mostPkcs12Iterations = 1_000_000;

interface PasswordCipher {
  readonly cipher: string;
  readonly key: Buffer;
  readonly iv: Uint8Array;
}

async function deriveCipher(id: string, parameters: Uint8Array, password: string): Promise<PasswordCipher> {
  if (id === idPbes2) return await derivePbes2(parameters, password);
  if (id === pbeWithShaAnd3KeyTripleDesCbc) return await deriveTripleDes(parameters, password);
  throw new CmsError(
    'unsupported',
    `it is encrypted with ${weakSchemes.get(id) ?? id}: only PBES2 and PKCS #12's triple DES are read. Write it anew, such as with openssl pkcs12 -legacy -in <file> -out <pem>, and then openssl pkcs12 -export -in <pem> -out <file>`,
  );
}

async function derivePbes2(parameters: Uint8Array, password: string): Promise<PasswordCipher> {
  const { derivation, scheme } = DerReader.decode(parameters, (r) =>
    r.sequence((p) => ({ derivation: p.element(Tag.sequence), scheme: p.element(Tag.sequence) })),
  );
  const cipher = readCipher(scheme);
  const { id, parameters: options } = decodeAlgorithm(derivation);
  if (id !== idPbkdf2 || options === undefined) {
    throw new CmsError('unsupported', `its key comes from the password by ${id}: only PBKDF2 is read`);
  }
  const { salt, iterations, keyLength, digest } = DerReader.decode(options, (r) =>
    r.sequence((p) => ({
      salt: p.octetString(),
      iterations: p.smallInteger(),
      keyLength: p.tag === Tag.integer ? p.smallInteger() : undefined,
      digest: p.more ? readDigest(p.element(Tag.sequence)) : 'sha1',
    })),
  );
  if (iterations < 1 || iterations > mostPbkdf2Iterations) throw tooSlow(iterations);
  if (keyLength !== undefined && keyLength !== cipher.keyLength) {
    throw new CmsError('malformed', 'the length of the key does not fit the cipher');
  }
  const key = await derive(password, salt, iterations, cipher.keyLength, digest);
  return { cipher: cipher.name, key, iv: cipher.iv };
}

async function deriveTripleDes(parameters: Uint8Array, password: string): Promise<PasswordCipher> {
  const { salt, iterations } = DerReader.decode(parameters, (r) =>
    r.sequence((p) => ({ salt: p.octetString(), iterations: p.smallInteger() })),
  );
  if (iterations < 1 || iterations > mostPkcs12Iterations) throw tooSlow(iterations);
  const shared = { digest: 'sha1', password: pkcs12Password(password), salt, iterations } as const;
  const key = await derivePkcs12Octets({ ...shared, purpose: 'key', length: 24 });
  const iv = await derivePkcs12Octets({ ...shared, purpose: 'iv', length: 8 });
  return { cipher: 'des-ede3-cbc', key, iv };
}

function readCipher(scheme: Uint8Array) {
  const { id, parameters } = decodeAlgorithm(scheme);
  const known = ciphers.get(id);
  if (known === undefined || parameters === undefined) {
    throw new CmsError(
      'unsupported',
      `it is encrypted with the cipher ${id}: only AES and triple DES in CBC mode are read`,
    );
  }
  const iv = DerReader.decode(parameters, (r) => r.octetString());
  if (iv.length !== known.ivLength)
    throw new CmsError('malformed', 'the initialization vector does not fit the cipher');
  return { ...known, iv };
}

function readDigest(algorithm: Uint8Array): string {
  const { id } = decodeAlgorithm(algorithm);
  const digest = digests.get(id);
  if (digest === undefined) throw new CmsError('unsupported', `its key comes from the password by the hash ${id}`);
  return digest;
}

function tooSlow(iterations: number): CmsError {
  return new CmsError('unsupported', `its key takes ${iterations} rounds of hashing, more than are done`);
}

const derive = promisify(pbkdf2);
/** Five seconds of a thread of the pool. */
const mostPbkdf2Iterations = 10_000_000;
const idPbes2 = '1.2.840.113549.1.5.13';
const pbeWithShaAnd3KeyTripleDesCbc = '1.2.840.113549.1.12.1.3';
const weakSchemes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.12.1.6', 'RC2 with 40 bits'],
  ['1.2.840.113549.1.12.1.5', 'RC2'],
  ['1.2.840.113549.1.12.1.1', 'RC4'],
  ['1.2.840.113549.1.12.1.2', 'RC4 with 40 bits'],
  ['1.2.840.113549.1.5.3', 'DES (PBES1)'],
]);
const ciphers: ReadonlyMap<string, { name: string; keyLength: number; ivLength: number }> = new Map([
  [idAes128Cbc, { name: 'aes-128-cbc', keyLength: 16, ivLength: 16 }],
  [idAes192Cbc, { name: 'aes-192-cbc', keyLength: 24, ivLength: 16 }],
  [idAes256Cbc, { name: 'aes-256-cbc', keyLength: 32, ivLength: 16 }],
  [desEde3Cbc, { name: 'des-ede3-cbc', keyLength: 24, ivLength: 8 }],
]);
const digests: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  [hmacWithSha256, 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
]);
