/** Agrees on secrets with an EC private key (ECDH; SP 800-56A 5.7.1.2). */
import { diffieHellman, type KeyObject } from 'node:crypto';
import { importPublicKey, UnsupportedKeyError } from '../x509/public-key.js';
import type { Agreer } from './signer.js';

/** The function that agrees with this EC private key. A point that is not on the curve gets no answer: it would ask for the key. */
export function createAgreement(privateKey: KeyObject): Agreer['agree'] {
  const curve = privateKey.asymmetricKeyDetails?.namedCurve;
  return async (spki) => {
    const publicKey = importOther(spki);
    const isOfSameCurve = publicKey?.asymmetricKeyType === 'ec' && publicKey.asymmetricKeyDetails?.namedCurve === curve;
    return isOfSameCurve ? diffieHellman({ privateKey, publicKey }) : undefined;
  };
}

function importOther(spki: Uint8Array): KeyObject | undefined {
  try {
    return importPublicKey(spki);
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return undefined;
    throw error;
  }
}
