/** The signature algorithms of attestation statements, by their COSE numbers (RFC 9053 2.1, RFC 8230 2, RFC 8812 2). */
import type { SignatureScheme } from '../../../src/x509/signature-algorithms.js';
import { AcmeError } from '../problem.js';

export type AttestationHash = 'sha256' | 'sha384' | 'sha512';

export interface AttestationAlgorithm extends SignatureScheme<AttestationHash> {
  readonly key: 'ec' | 'rsa';
  readonly hash: AttestationHash;
}

/** @param number what a statement says as `alg` @throws AcmeError `badAttestationStatement` */
export function attestationAlgorithm(number: unknown): AttestationAlgorithm {
  const algorithm = algorithms.get(number);
  if (algorithm !== undefined) return algorithm;
  throw new AcmeError(
    'badAttestationStatement',
    'the attestation is signed with an algorithm that is not taken; sign with ECDSA, RSA or RSASSA-PSS, and SHA-256, SHA-384 or SHA-512',
  );
}

/** RS1 (-65535) is not among them: two statements with the same SHA-1 can be made. */
const algorithms: ReadonlyMap<unknown, AttestationAlgorithm> = new Map<unknown, AttestationAlgorithm>([
  [-7, { key: 'ec', hash: 'sha256' }],
  [-35, { key: 'ec', hash: 'sha384' }],
  [-36, { key: 'ec', hash: 'sha512' }],
  [-37, { key: 'rsa', hash: 'sha256', pss: { saltLength: 32 } }],
  [-38, { key: 'rsa', hash: 'sha384', pss: { saltLength: 48 } }],
  [-39, { key: 'rsa', hash: 'sha512', pss: { saltLength: 64 } }],
  [-257, { key: 'rsa', hash: 'sha256' }],
  [-258, { key: 'rsa', hash: 'sha384' }],
  [-259, { key: 'rsa', hash: 'sha512' }],
]);
