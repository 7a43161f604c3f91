/** External account bindings (RFC 8555 7.3.4): who holds the account of another system says yes to an account key. */
import { errors, flattenedVerify } from 'jose';
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import type { KeyRequest } from './context.js';
import { parseJsonObject } from './json.js';
import { badAlgorithm } from './jws/algorithms.js';
import { type JwsMessage, readJws } from './jws/message.js';
import { readPublicJwk, thumbprintOf } from './jws/public-jwk.js';
import { AcmeError } from './problem.js';

/** What the core decides about: which key the id stands for, and whether the MAC is by it. */
export type Binding = Extract<PresentedCredential, { readonly kind: 'mac' }>;

/** @throws AcmeError `malformed`, `badSignatureAlgorithm`, `badPublicKey`, `unauthorized` where it is for another key or URL */
export function readBinding(value: unknown, { thumbprint, urls }: KeyRequest): Binding {
  const message = readJws(value, subject);
  const { alg, url, nonce, kid } = message.header;
  if (!macAlgorithms.includes(alg)) {
    throw badAlgorithm(`protect the ${bare} with one of ${macAlgorithms.join(', ')}`, macAlgorithms);
  }
  if (kid === undefined || !/^[\x20-\x7e]{1,256}$/.test(kid)) {
    throw new AcmeError('malformed', `the protected header of ${subject} must have "kid", the key id, in ASCII`);
  }
  if (nonce !== undefined) throw new AcmeError('malformed', `${subject} must not have a nonce`);
  if (url !== urls.newAccount) {
    throw new AcmeError('unauthorized', `${subject} is not for ${urls.newAccount}, which the message is sent to`);
  }
  const jwk = readPublicJwk(parseJsonObject(message.payload, `the payload of ${subject}`), `the key in ${subject}`);
  if (thumbprintOf(jwk) !== thumbprint) {
    throw new AcmeError('unauthorized', `${subject} is for another key than the one that signs the message`);
  }
  return {
    kind: 'mac',
    secretKind: 'acme-account-key',
    reference: Buffer.from(kid),
    verify: (secret) => verifyMac(message, secret),
  };
}

const bare = 'external account binding';
const subject = `the ${bare}`;
const macAlgorithms: readonly string[] = ['HS256', 'HS384', 'HS512'];

async function verifyMac({ encoded, header }: JwsMessage, secret: Uint8Array): Promise<boolean> {
  try {
    await flattenedVerify(encoded, secret, { algorithms: [header.alg] });
    return true;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return false;
    throw error;
  }
}
