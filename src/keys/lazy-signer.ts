/** Signers of CA keys: each is opened when it first signs, so that one that cannot be used stops nobody but its own CA. */
import { GatewayError } from '../errors.js';
import { describePublicKey, type KeyAlgorithm } from '../x509/public-key.js';
import type { Signer } from './signer.js';

/** What a CA's key is found and recognised by. */
export interface CaKeyReference {
  readonly keyId: string;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/**
 * @param publicKey of the CA's certificate, DER SubjectPublicKeyInfo: what is signed must verify with it
 * @returns a signer whose `sign` reports what is wrong with the key, each time that it is asked
 */
export function createLazySigner(
  { keyId, publicKey }: CaKeyReference,
  openSigner: (keyId: string) => Promise<Signer>,
): Signer {
  const algorithm = signingAlgorithm(publicKey);
  let opened: Promise<Signer> | undefined;

  async function open(): Promise<Signer> {
    const signer = await openSigner(keyId);
    if (Buffer.compare(signer.publicKey, publicKey) === 0) return signer;
    throw new GatewayError('internal', 'a key of the gateway cannot be used', {
      cause: new Error(`the key ${keyId} is not the one of the CA's certificate`),
    });
  }

  return {
    keyId,
    algorithm,
    publicKey,
    async sign(data, hash, rsaPadding) {
      opened ??= open();
      try {
        return await (await opened).sign(data, hash, rsaPadding);
      } catch (error) {
        opened = undefined;
        throw error;
      }
    },
  };
}

/** Stands for a key that is not in the gateway, with the public key of its certificate: it signs nothing. */
export function createAbsentSigner(generation: string, publicKey: Uint8Array): Signer {
  return {
    keyId: '',
    algorithm: signingAlgorithm(publicKey),
    publicKey,
    async sign() {
      throw new GatewayError('unavailable', 'the certification authority does not sign at the moment', {
        cause: new Error(
          `the key of ${generation} is not in the gateway: gatehouse ca sign does it, with the key at hand`,
        ),
      });
    },
  };
}

function signingAlgorithm(publicKey: Uint8Array): KeyAlgorithm {
  const { algorithm } = describePublicKey(publicKey);
  if (algorithm !== 'x25519' && algorithm !== 'x448') return algorithm;
  throw new GatewayError('internal', 'a key of the gateway cannot be used', {
    cause: new Error(`a CA certificate has a key of type ${algorithm}, which does not sign`),
  });
}
