/** Kinds of keys, by the names that the configuration has for those that are made. */
import { GatewayError } from '../errors.js';
import { type GeneratedKeyType, generatedKeyTypes } from '../model/key-constraints.js';
import { DerError } from '../x509/der.js';
import { describePublicKey, UnsupportedKeyError } from '../x509/public-key.js';

/**
 * @param publicKey DER SubjectPublicKeyInfo
 * @throws GatewayError 'unacceptable-key' for a key that a CA cannot have
 */
export function generatedTypeOf(publicKey: Uint8Array): GeneratedKeyType {
  const name = nameOf(publicKey);
  const type = generatedKeyTypes.find((each) => each === name);
  if (type !== undefined) return type;
  throw new GatewayError(
    'unacceptable-key',
    `a CA cannot have a key of type ${name}: give one of ${generatedKeyTypes.join(', ')}`,
  );
}

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
