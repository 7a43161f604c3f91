/** Opens the EncryptedValue (RFC 4211 6.4) of a server's answers, whose key came by RSA PKCS #1 v1.5. */
import { createDecipheriv, type KeyObject } from 'node:crypto';
import { type BaseBlock, fromBER, Primitive } from 'asn1js';
import { octetsOf, oidOf, partsOf } from '../asn1-values.js';
import { ciphers, keyOf } from '../scep-identifiers.js';
import { isContext, isUniversal } from './blocks.js';
import { openPkcs1 } from './open-envelope.js';

interface OpenedValue {
  readonly content: Buffer;
  readonly key: Buffer;
  readonly initializationVector: Buffer;
}

/** @param der EncryptedValue. @throws Error when it does not open */
export function openEncryptedValue(der: Uint8Array, privateKey: KeyObject): OpenedValue {
  const { offset, result } = fromBER(der);
  if (offset !== der.length) throw new Error('no EncryptedValue');
  const parts = partsOf(result);
  const [cipherId, iv] = partsOf(parts.find((part) => isContext(part, 1)));
  const [transport] = partsOf(parts.find((part) => isContext(part, 3)));
  const id = oidOf(cipherId);
  const cipher = keyOf(ciphers, (entry) => entry.id === id);
  if (cipher === undefined || !cipher.startsWith('aes')) throw new Error(`cipher ${id}`);
  if (oidOf(transport) !== '1.2.840.113549.1.1.1') throw new Error(`key transport ${oidOf(transport)}`);
  const key = openPkcs1(implicitBits(parts.find((part) => isContext(part, 2))), privateKey);
  const initializationVector = octetsOf(iv);
  const decryption = createDecipheriv(cipher, key, initializationVector);
  const encrypted = octetsOf(parts.find((part) => isUniversal(part, 3)));
  const content = Buffer.concat([decryption.update(encrypted), decryption.final()]);
  return { content, key, initializationVector };
}

/** [n] IMPLICIT BIT STRING of whole octets */
function implicitBits(block: BaseBlock | undefined): Buffer {
  if (!(block instanceof Primitive)) throw new Error('no BIT STRING');
  const octets = Buffer.from(block.valueBlock.valueHexView);
  if (octets[0] !== 0) throw new Error('not whole octets');
  return octets.subarray(1);
}
