/** Signatures of messages, verified by jose. */
import { errors, flattenedVerify, importJWK } from 'jose';
import type { PublicJwk } from '../context.js';
import { AcmeError } from '../problem.js';
import { algorithmOf, type SignatureAlgorithm } from './algorithms.js';
import type { JwsMessage } from './message.js';
import { thumbprintOf } from './public-jwk.js';

export interface SigningKey {
  readonly jwk: PublicJwk;
  /** RFC 7638, base64url. */
  readonly thumbprint: string;
}

/**
 * The key that a message brings; it has to be of the kind that the algorithm is for (RFC 8555 6.2).
 * @throws AcmeError `badPublicKey`
 */
export function signingKey(jwk: PublicJwk, algorithm: SignatureAlgorithm, subject: string): SigningKey {
  if (algorithmOf(jwk) !== algorithm) throw new AcmeError('badPublicKey', `${subject} is no key for ${algorithm}`);
  return { jwk, thumbprint: thumbprintOf(jwk) };
}

/**
 * @param subject what a sentence calls the message
 * @throws AcmeError `malformed` as `invalid-signature`; `badPublicKey` for a key that is none, such as a point off its curve
 */
export async function verifySignature(message: JwsMessage, key: SigningKey, subject: string): Promise<void> {
  const imported = recentKeys.get(key.thumbprint) ?? (await importKey(key.jwk));
  try {
    await flattenedVerify(message.encoded, imported, { algorithms: [message.header.alg] });
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw new AcmeError('malformed', `the signature of ${subject} is wrong`, { code: 'invalid-signature', cause });
  }
  remember(key.thumbprint, imported);
}

/** Importing a key costs about as much as verifying by it. Only who holds a key gets it in here. */
const recentKeys = new Map<string, ImportedKey>();
const maximumRecentKeys = 2000;

type ImportedKey = Awaited<ReturnType<typeof importJWK>>;

function remember(thumbprint: string, key: ImportedKey): void {
  recentKeys.delete(thumbprint);
  recentKeys.set(thumbprint, key);
  if (recentKeys.size <= maximumRecentKeys) return;
  const [oldest] = recentKeys.keys();
  if (oldest !== undefined) recentKeys.delete(oldest);
}

async function importKey(jwk: PublicJwk): Promise<ImportedKey> {
  try {
    return await importJWK({ ...jwk }, algorithmOf(jwk));
  } catch (cause) {
    throw new AcmeError('badPublicKey', 'the key is none of its kind: its numbers do not fit each other', { cause });
  }
}
