/** The algorithms that messages are protected with (RFC 9481 3 and 6, RFC 9688), as policies name them. */
import { z } from 'zod';

const digests = [
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'sha3-224',
  'sha3-256',
  'sha3-384',
  'sha3-512',
] as const;
export type MessageDigest = (typeof digests)[number];

const shakes = ['shake128', 'shake256'] as const;
/** SHAKE128 with 32 octets of output and SHAKE256 with 64 (RFC 8692 3, RFC 8702 2). */
export type Shake = (typeof shakes)[number];

/** Every hash that a signature may be made with, those of RFC 9481 2 and SHAKE. */
export const signatureHashes = [...digests, ...shakes] as const;

export const messageSignatureNames = [
  ...digests.map((digest) => `rsa-${digest}` as const),
  ...signatureHashes.map((digest) => `rsa-pss-${digest}` as const),
  ...signatureHashes.map((digest) => `ecdsa-${digest}` as const),
  'ed25519' as const,
  'ed448' as const,
];
export type MessageSignatureName = (typeof messageSignatureNames)[number];
export const messageSignatureSchema = z.enum(messageSignatureNames);

const macFunctionNames = [
  ...digests.map((digest) => `hmac-${digest}` as const),
  'kmac128' as const,
  'kmac256' as const,
  'aes128-gmac' as const,
  'aes192-gmac' as const,
  'aes256-gmac' as const,
];
/** A MAC whose key is the shared secret itself. */
export type MacFunctionName = (typeof macFunctionNames)[number];

/** `pbm-` and `pbmac1-`: the key is derived from the secret, by PasswordBasedMac and by PBKDF2. */
export const messageMacNames = [
  ...macFunctionNames.map((name) => `pbm-${name}` as const),
  ...macFunctionNames.map((name) => `pbmac1-${name}` as const),
  ...macFunctionNames,
];
export type MessageMacName = (typeof messageMacNames)[number];
export const messageMacSchema = z.enum(messageMacNames);
