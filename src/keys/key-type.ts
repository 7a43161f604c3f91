/** Kinds of keys, by the names that the configuration has for those that are made. */
import { GatewayError } from '../errors.js';
import { generatedKeyTypes } from '../model/key-constraints.js';
import { DerError } from '../x509/der.js';
import { describePublicKey, UnsupportedKeyError } from '../x509/public-key.js';

/**
 * What a key of a CA could have been made as; RSA keys that were not made here may be of other sizes, such as `rsa-8192`.
 * @param publicKey DER SubjectPublicKeyInfo
 * @throws GatewayError 'unacceptable-key' for a key that a CA cannot have
 */
export function generatedTypeOf(publicKey: Uint8Array): string {
  const name = nameOf(publicKey);
  if (generatedKeyTypes.some((each) => each === name) || isLongRsa(name)) return name;
  throw new GatewayError(
    'unacceptable-key',
    `a CA cannot have a key of type ${name}: give one of ${generatedKeyTypes.join(', ')}`,
  );
}

function isLongRsa(name: string): boolean {
  return name.startsWith('rsa-') && Number(name.slice(4)) >= minimumRsaBits;
}

const minimumRsaBits = 2048;

function nameOf(publicKey: Uint8Array): string {
  try {
    const key = describePublicKey(publicKey);
    if (key.algorithm === 'rsa') return `rsa-${key.bits}`;
    return key.algorithm === 'ec' ? `ec-${key.curve.toLowerCase().replace('-', '')}` : key.algorithm;
  } catch (error) {
    if (error instanceof UnsupportedKeyError || error instanceof DerError) return 'unknown';
    throw error;
  }
}
