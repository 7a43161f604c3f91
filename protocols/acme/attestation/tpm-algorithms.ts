/** TPM_ALG_ID (TPM 2.0 Library, part 2, 6.3): those of the keys and signatures that attestations are about. */
import type { AttestationHash } from './cose-algorithms.js';

export const tpmAlgRsa = 0x0001;
export const tpmAlgNull = 0x0010;
export const tpmAlgRsassa = 0x0014;
export const tpmAlgRsapss = 0x0016;
export const tpmAlgEcdsa = 0x0018;
export const tpmAlgEcc = 0x0023;

/** SHA-1 is not among them: two keys with the same name could be made. */
export const tpmHashes: ReadonlyMap<number, AttestationHash> = new Map([
  [0x000b, 'sha256'],
  [0x000c, 'sha384'],
  [0x000d, 'sha512'],
]);
