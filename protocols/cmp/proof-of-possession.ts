/** Proof of possession (RFC 4211 section 4, RFC 9810 5.2.8): what a message proves by itself, and what it leaves open. */

import { GatewayError } from '../../src/errors.js';
import { decoding } from '../../src/x509/decoding.js';
import { verifySignedMessage } from '../../src/x509/message-signatures.js';
import { importPublicKey } from '../../src/x509/public-key.js';
import { type CertReqMsg, decodeCertReqMessages } from './asn1/cert-request.js';
import type { EncryptedKey } from './asn1/encrypted-key.js';
import type { PkiMessage } from './asn1/pki-message.js';
import type { PoposkInput, PrivateKeyProof, SignatureProof } from './asn1/proof-of-possession.js';
import { type KeyUse, requireKey, requireKeyUse } from './encrypt-to-key.js';
import { CmpError } from './errors.js';
import { isMacOf, verifyAgreement, verifyEncryptedKey } from './private-key-proof.js';
import { requireAllowedSignature } from './protection/allowed-algorithms.js';
import type { CmpRequest } from './request.js';

/** `encrCert`: by the hash of a certificate that came encrypted; `challengeResp`: by a number that did. */
export type OutstandingProof = Extract<PrivateKeyProof, { type: 'subsequentMessage' }>['method'];

export interface Possession {
  /** The digest of the signature, for the template's rule, where there is one. */
  readonly requestHash?: string;
  /** Absent where the message itself is the proof. */
  readonly outstanding?: OutstandingProof;
}

/**
 * Verifies the proof of a message, as far as it is there.
 * @param publicKey DER SubjectPublicKeyInfo of the template
 * @throws GatewayError `invalid-proof-of-possession`, `forbidden` for raVerified from who may not say so
 */
export async function verifyPossession(
  request: CmpRequest,
  wish: CertReqMsg,
  publicKey: Uint8Array,
): Promise<Possession> {
  const { popo } = wish;
  switch (popo?.type) {
    case 'raVerified':
      requireAuthority(request);
      requireKey(publicKey);
      return {};
    case 'signature':
      return await verifySigned(request, wish, popo, publicKey);
    case 'keyEncipherment':
    case 'keyAgreement':
      requireKeyUse(publicKey, popo.type);
      return await verifyPrivateKeyProof(request, wish, popo.type, popo.proof, publicKey);
    default:
      throw new GatewayError('invalid-proof-of-possession', 'the request does not prove possession of its key');
  }
}

/** How the certificate that a message asks for is to come encrypted; undefined where it is to come as it is. */
export function certificateEncryption(message: PkiMessage): EncryptedKey['type'] | undefined {
  const { bodyType, body } = message;
  if (bodyType === 'p10cr') return undefined;
  const [wish] = decoding('the body', () => decodeCertReqMessages(body));
  const { popo } = wish ?? {};
  if (popo === undefined || !('proof' in popo)) return undefined;
  const isWanted = popo.proof.type === 'subsequentMessage' && popo.proof.method === 'encrCert';
  return isWanted ? encryptionOf(message) : undefined;
}

/** What who sends such a message can open (RFC 9810 5.2.2). */
export function encryptionOf({ header }: Pick<PkiMessage, 'header'>): EncryptedKey['type'] {
  return header.pvno < 3 ? 'encryptedValue' : 'envelopedData';
}

/** RFC 9810 5.2.8.3. EnvelopedData is of version 3; without it there is no encryption but to RSA keys. */
async function verifyPrivateKeyProof(
  request: CmpRequest,
  wish: CertReqMsg,
  use: KeyUse,
  proof: PrivateKeyProof,
  publicKey: Uint8Array,
): Promise<Possession> {
  if (proof.type === 'thisMessage' || proof.type === 'dhMAC') {
    throw new GatewayError(
      'invalid-proof-of-possession',
      `${proof.type} is deprecated; use another proof of possession`,
    );
  }
  switch (proof.type) {
    case 'subsequentMessage':
      requireVersion(request, use, proof.method);
      return { outstanding: proof.method };
    case 'agreeMAC':
      await verifyAgreement(request, wish, proof.mac, publicKey);
      return {};
    case 'encryptedKey':
      await verifyEncryptedKey(request, wish, proof.envelopedData);
      return {};
  }
}

function requireVersion({ message }: CmpRequest, use: KeyUse, method: OutstandingProof): void {
  if (message.header.pvno >= 3 || use === 'keyEncipherment') return;
  throw new CmpError('badRequest', `${method} for ${use} needs version 3 of the message`);
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
): Promise<Possession> {
  const { policy } = request;
  if (poposkInput !== undefined) await requireBound(request, poposkInput, publicKey);
  const found = requireAllowedSignature(algorithm, policy.cmp);
  const key = decoding('the key of the request', () => importPublicKey(publicKey));
  if (!verifySignedMessage(found, key, poposkInput?.der ?? certRequestDer, signature)) {
    throw new GatewayError('invalid-proof-of-possession', 'the request is not signed with its own key');
  }
  return found.hash === undefined ? {} : { requestHash: found.hash };
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
