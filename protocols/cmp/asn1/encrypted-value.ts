/** EncryptedValue (RFC 4211 section 6.4, deprecated): how version 2 encrypts (RFC 4210 5.2.2). */

import { bitString, implicit, sequence } from '../../../src/x509/der-writer.js';

/** The fields that somebody needs who knows what is inside. Algorithms are DER AlgorithmIdentifiers. */
export interface EncryptedValue {
  readonly symmAlg: Uint8Array;
  /** The key of symmAlg, encrypted by keyAlg. */
  readonly encSymmKey: Uint8Array;
  readonly keyAlg: Uint8Array;
  readonly encValue: Uint8Array;
}

export function encodeEncryptedValue({ symmAlg, encSymmKey, keyAlg, encValue }: EncryptedValue): Uint8Array {
  return sequence(implicit(1, symmAlg), implicit(2, bitString(encSymmKey)), implicit(3, keyAlg), bitString(encValue));
}
