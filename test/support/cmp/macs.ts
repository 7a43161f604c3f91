/** The MACs of RFC 9481 6, each made and recomputed from its AlgorithmIdentifier. */
import { createCipheriv, createHmac, hash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { type BaseBlock, fromBER } from 'asn1js';
import { nullValue, octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { octetsOf, oidOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { keyOf } from '../scep-identifiers.js';
import { type Digest, digestIds, hmacIds, idHmacSha1, macIds } from './identifiers.js';
import { kmac } from './kmac.js';

/** The algorithm of a MAC that the client makes; whatever is not said is what a careful client takes. */
export type MacWish =
  | {
      readonly type: 'pbm';
      readonly oneWay?: Digest;
      /** `openssl`: HMAC with SHA-1 as its `cmp` command names it. */
      readonly mac?: Digest | 'openssl';
      readonly iterations?: number;
      readonly salt?: Uint8Array;
    }
  | {
      readonly type: 'pbmac1';
      readonly prf?: Digest;
      readonly mac?: Digest;
      readonly iterations?: number;
      readonly salt?: Uint8Array;
      /** Octets. */
      readonly keyLength?: number;
    }
  | { readonly type: 'hmac'; readonly digest: Digest }
  /** The length in bits. */
  | { readonly type: 'kmac'; readonly strength: 128 | 256; readonly length?: number; readonly customization?: string }
  /** The nonce's and the tag's lengths are octets. */
  | { readonly type: 'gmac'; readonly keyBits: 128 | 192 | 256; readonly nonce?: Uint8Array; readonly length?: number };

/** DER AlgorithmIdentifier, with a fresh salt or nonce where it has one and the wish does not say. */
export function macIdentifier(wish: MacWish): Uint8Array {
  switch (wish.type) {
    case 'pbm': {
      const { oneWay = 'sha256', mac = 'sha256', iterations = 1000, salt = randomBytes(16) } = wish;
      const macId = sequence(oid(mac === 'openssl' ? idHmacSha1 : hmacIds[mac]), nullValue);
      const owf = sequence(oid(digestIds[oneWay]), nullValue);
      return sequence(oid(macIds.pbm), sequence(octetString(salt), owf, smallInteger(iterations), macId));
    }
    case 'pbmac1': {
      const { prf = 'sha256', mac = 'sha256', iterations = 1000, salt = randomBytes(16), keyLength = 32 } = wish;
      const derivation = sequence(
        octetString(salt),
        smallInteger(iterations),
        smallInteger(keyLength),
        // HMAC with SHA-1 is the default, and DER leaves defaults out.
        prf === 'sha1' ? undefined : sequence(oid(hmacIds[prf]), nullValue),
      );
      const scheme = sequence(oid(hmacIds[mac]), nullValue);
      return sequence(oid(macIds.pbmac1), sequence(sequence(oid(macIds.pbkdf2), derivation), scheme));
    }
    case 'hmac':
      return sequence(oid(hmacIds[wish.digest]));
    case 'kmac': {
      const { strength, length, customization } = wish;
      const custom = customization === undefined ? undefined : octetString(Buffer.from(customization, 'latin1'));
      const bits = length === undefined ? undefined : smallInteger(length);
      return sequence(oid(macIds[`kmac${strength}`]), bits || custom ? sequence(bits, custom) : undefined);
    }
    case 'gmac': {
      const { keyBits, nonce = randomBytes(12), length = 12 } = wish;
      const tagLength = length === 12 ? undefined : smallInteger(length);
      return sequence(oid(gmacIds[`aes-${keyBits}-gcm`]), sequence(octetString(nonce), tagLength));
    }
  }
}

/** Whether an AlgorithmIdentifier (DER) is one of a MAC; what it is else is a signature's. */
export function isMac(identifier: Uint8Array): boolean {
  const id = oidOf(partsOf(fromBER(identifier).result)[0]);
  const all: readonly string[] = [...Object.values(macIds), ...Object.values(hmacIds), ...Object.values(gmacIds)];
  return all.includes(id) || id === idHmacSha1;
}

/** @throws Error for an algorithm that is none of these */
export function computeMac(identifier: Uint8Array, secret: Uint8Array, data: Uint8Array): Buffer {
  return computed(fromBER(identifier).result, secret, data);
}

const gmacIds = {
  'aes-128-gcm': '2.16.840.1.101.3.4.1.9',
  'aes-192-gcm': '2.16.840.1.101.3.4.1.29',
  'aes-256-gcm': '2.16.840.1.101.3.4.1.49',
} as const;

function computed(algorithm: BaseBlock, secret: Uint8Array, data: Uint8Array): Buffer {
  const [type, parameters] = partsOf(algorithm);
  const id = oidOf(type);
  if (id === macIds.pbm) return computePbm(parameters, secret, data);
  if (id === macIds.pbmac1) return computePbmac1(parameters, secret, data);
  if (id === macIds.kmac128) return computeKmac(128, parameters, secret, data);
  if (id === macIds.kmac256) return computeKmac(256, parameters, secret, data);
  const cipher = keyOf(gmacIds, (value) => value === id);
  if (cipher !== undefined) return computeGmac(cipher, parameters, secret, data);
  return createHmac(hmacDigest(id), secret).update(data).digest();
}

/** RFC 4211 4.4 */
function computePbm(parameters: BaseBlock | undefined, secret: Uint8Array, data: Uint8Array): Buffer {
  const [salt, owf, iterations, mac] = partsOf(parameters);
  const owfId = oidOf(partsOf(owf)[0]);
  const digest = keyOf(digestIds, (value) => value === owfId);
  if (digest === undefined || mac === undefined) throw new Error(`PasswordBasedMac with ${owfId}`);
  let key = Buffer.concat([secret, octetsOf(salt)]);
  for (let i = 0; i < smallIntegerOf(iterations); i++) key = hash(digest, key, 'buffer');
  return computed(mac, key, data);
}

/** RFC 8018 7.1 */
function computePbmac1(parameters: BaseBlock | undefined, secret: Uint8Array, data: Uint8Array): Buffer {
  const [derivation, scheme] = partsOf(parameters);
  if (scheme === undefined) throw new Error('PBMAC1 without a scheme');
  return computed(scheme, derivedKey(derivation, secret), data);
}

/** PBKDF2 by its AlgorithmIdentifier; the key length where the parameters do not say it. */
export function derivedKey(derivation: unknown, secret: Uint8Array, length = 32): Buffer {
  const [type, parameters] = partsOf(derivation);
  if (oidOf(type) !== macIds.pbkdf2) throw new Error(`key derivation ${oidOf(type)}`);
  const [salt, iterations, ...more] = partsOf(parameters);
  const prf = more.find(({ idBlock }) => idBlock.tagNumber === 16);
  const keyLength = more.find(({ idBlock }) => idBlock.tagNumber === 2);
  const digest = prf === undefined ? 'sha1' : hmacDigest(oidOf(partsOf(prf)[0]));
  const octets = keyLength === undefined ? length : smallIntegerOf(keyLength);
  return pbkdf2Sync(secret, octetsOf(salt), smallIntegerOf(iterations), octets, digest);
}

/** RFC 8702 3.4 */
function computeKmac(
  strength: 128 | 256,
  parameters: BaseBlock | undefined,
  secret: Uint8Array,
  data: Uint8Array,
): Buffer {
  const parts = parameters === undefined ? [] : partsOf(parameters);
  const length = parts.find(({ idBlock }) => idBlock.tagNumber === 2);
  const custom = parts.find(({ idBlock }) => idBlock.tagNumber === 4);
  const bits = length === undefined ? strength * 2 : smallIntegerOf(length);
  return kmac(strength, secret, data, bits / 8, custom === undefined ? '' : octetsOf(custom).toString('latin1'));
}

/** RFC 9044: GCM with nothing but associated data. */
function computeGmac(
  cipher: keyof typeof gmacIds,
  parameters: BaseBlock | undefined,
  secret: Uint8Array,
  data: Uint8Array,
): Buffer {
  const [nonce, length] = partsOf(parameters);
  const authTagLength = length === undefined ? 12 : smallIntegerOf(length);
  const encryption = createCipheriv(cipher, secret, octetsOf(nonce), { authTagLength });
  encryption.setAAD(data).final();
  return encryption.getAuthTag();
}

function hmacDigest(id: string): Digest {
  if (id === idHmacSha1) return 'sha1';
  const digest = keyOf(hmacIds, (value) => value === id);
  if (digest === undefined) throw new Error(`no MAC: ${id}`);
  return digest;
}
