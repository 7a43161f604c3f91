/** Proof of possession by a signature (RFC 4211 4.1, RFC 9483 4.1.1), or by the word of a registration authority. */

import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/protocol.js';
import { verifySignedMessage } from '../../src/x509/message-signatures.js';
import { importPublicKey } from '../../src/x509/public-key.js';
import type { CertReqMsg } from './asn1/cert-request.js';
import type { MacValue, PoposkInput, SignatureProof } from './asn1/proof-of-possession.js';
import { decoding } from './errors.js';
import { requireAllowedMac, requireAllowedSignature } from './protection/allowed-algorithms.js';
import { decodeMacAlgorithm } from './protection/mac-algorithms.js';
import type { CmpRequest } from './request.js';

/**
 * Verifies a proof that is complete in the message.
 * @param publicKey DER SubjectPublicKeyInfo of the template
 * @returns the digest of the signature, for the template's rule; undefined where there is none
 * @throws GatewayError `invalid-proof-of-possession`, `forbidden` for raVerified from who may not say so
 */
export async function verifyPossession(
  request: CmpRequest,
  wish: CertReqMsg,
  publicKey: Uint8Array,
): Promise<string | undefined> {
  const { popo } = wish;
  switch (popo?.type) {
    case 'raVerified':
      requireAuthority(request);
      return undefined;
    case 'signature':
      return await verifySigned(request, wish, popo, publicKey);
    default:
      throw new GatewayError('invalid-proof-of-possession', 'the request does not prove possession of its key');
  }
}

/** RFC 9483 5.2.3.2: a kur keeps its own protection and proof. */
function requireAuthority({ sender, message }: CmpRequest): void {
  if (!sender.requester.isRegistrationAuthority) {
    throw new GatewayError('forbidden', 'only a registration authority of the policy may say raVerified');
  }
  if (message.bodyType === 'kur') throw new GatewayError('forbidden', 'a kur brings its own proof of possession');
}

async function verifySigned(
  request: CmpRequest,
  { certRequestDer }: CertReqMsg,
  { poposkInput, algorithm, signature }: SignatureProof,
  publicKey: Uint8Array,
): Promise<string | undefined> {
  const { policy } = request;
  if (poposkInput !== undefined) await requireBound(request, poposkInput, publicKey);
  const found = requireAllowedSignature(algorithm, policy.cmp);
  const key = decoding('the key of the request', () => importPublicKey(publicKey));
  if (!verifySignedMessage(found, key, poposkInput?.der ?? certRequestDer, signature)) {
    throw new GatewayError('invalid-proof-of-possession', 'the request is not signed with its own key');
  }
  return found.hash;
}

/** RFC 4211 4.1: what is signed has the key of the template, and who sends it or what he shares with the CA. */
async function requireBound(
  { message, sender, policy }: CmpRequest,
  { publicKey: signed, sender: named, publicKeyMac }: PoposkInput,
  publicKey: Uint8Array,
): Promise<void> {
  if (Buffer.compare(signed, publicKey) !== 0) {
    throw new GatewayError('invalid-proof-of-possession', 'poposkInput has another key than the certTemplate');
  }
  if (named !== undefined) {
    if (Buffer.compare(named, message.header.sender) === 0) return;
    throw new GatewayError('invalid-proof-of-possession', 'the sender in poposkInput is not the sender of the message');
  }
  const { protection } = sender;
  const isBound =
    publicKeyMac !== undefined &&
    protection.kind === 'mac' &&
    (await isMacOf(publicKeyMac, protection.secret, publicKey, policy));
  if (!isBound) throw new GatewayError('invalid-proof-of-possession', 'publicKeyMAC in poposkInput is wrong');
}

async function isMacOf(
  { algorithm, value }: MacValue,
  secret: Uint8Array,
  data: Uint8Array,
  { cmp }: PolicyView,
): Promise<boolean> {
  const mac = decoding('publicKeyMAC', () => decodeMacAlgorithm(algorithm));
  if (mac === undefined) return false;
  requireAllowedMac(mac, cmp);
  return (await mac.deriveKey(secret)).verify(data, value);
}
