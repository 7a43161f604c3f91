/** Signers outside of this process: what they give is believed only after it was verified. */
import { GatewayError } from '../errors.js';
import { describePublicKey, importPublicKey, type KeyAlgorithm } from '../x509/public-key.js';
import { type SignatureAlgorithm, signatureAlgorithmFor, verifySignature } from '../x509/signature-algorithms.js';
import type { Signer } from './signer.js';

/** Signs with a key that is elsewhere; ECDSA signatures are DER. */
export type RemoteSign = (algorithm: SignatureAlgorithm, data: Uint8Array) => Promise<Uint8Array>;

/**
 * A faulty token, another key under the same id and a service that lies all end here instead of in a certificate.
 * @param store its name, for the log
 * @param publicKey DER SubjectPublicKeyInfo
 */
export function createVerifiedSigner(store: string, keyId: string, publicKey: Uint8Array, sign: RemoteSign): Signer {
  const algorithm = algorithmOf(publicKey);
  const key = importPublicKey(publicKey);
  return {
    keyId,
    algorithm,
    publicKey,
    async sign(data, hash, rsaPadding) {
      const scheme = signatureAlgorithmFor(algorithm, hash, rsaPadding);
      const signature = await sign(scheme, data);
      if (verifySignature(scheme, key, data, signature)) return signature;
      throw new GatewayError('unavailable', 'the key of the CA cannot be used at the moment; try again later', {
        cause: new Error(`the key store ${store} gave a signature that does not verify with the key ${keyId}`),
        retryAfterSeconds: 30,
      });
    },
  };
}

/** Signs once, as a CA does. @throws GatewayError as the signer does */
export async function tryOut(signer: Signer): Promise<void> {
  await signer.sign(Buffer.from('gatehouse tries out a new key'), 'sha256');
}

function algorithmOf(publicKey: Uint8Array): KeyAlgorithm {
  const { algorithm } = describePublicKey(publicKey);
  if (algorithm !== 'x25519' && algorithm !== 'x448') return algorithm;
  throw new GatewayError('unacceptable-key', `a key of type ${algorithm} does not sign`);
}
