/** RSA key transport: the algorithms that carry a content-encryption key (RFC 3370 4.2.1, RFC 3560, RFC 4055 4.1). */

import type { HashAlgorithm } from './signature-algorithms.js';

/** PKCS #1 v1.5, or OAEP with this hash, also in MGF1. */
export type KeyTransport = 'rsa-pkcs1' | 'rsa-oaep-sha1' | 'rsa-oaep-sha256' | 'rsa-oaep-sha384' | 'rsa-oaep-sha512';

/** The hash of OAEP; undefined for PKCS #1 v1.5. */
export const oaepHashes: Readonly<Record<KeyTransport, HashAlgorithm | undefined>> = {
  'rsa-pkcs1': undefined,
  'rsa-oaep-sha1': 'sha1',
  'rsa-oaep-sha256': 'sha256',
  'rsa-oaep-sha384': 'sha384',
  'rsa-oaep-sha512': 'sha512',
};
