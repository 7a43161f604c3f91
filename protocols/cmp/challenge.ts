/** popdecc (RFC 9810 5.2.8.3.3): a number that only the holder of the new private key can read. */

import { constants, createHash, publicEncrypt, randomBytes } from 'node:crypto';
import { digestIdentifiers } from '../../src/cms/digest-algorithms.js';
import { GatewayError, isRefusal } from '../../src/errors.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { explicit, sequence, unsignedInteger } from '../../src/x509/der-writer.js';
import { describePublicKey, importPublicKey } from '../../src/x509/public-key.js';
import { type Challenge, encodeChallenges, encodeRand } from './asn1/challenge.js';
import { nameOfReference } from './encode-answer.js';
import { encryptToKey } from './encrypt-to-key.js';
import type { CertificateWish } from './enrollment.js';
import { beginStatements, findRepeated } from './operation.js';
import type { Answer, CmpRequest } from './request.js';
import type { TransactionRecord } from './store.js';

/** Begins the operation with a popdecc; nothing is asked of the core before it is answered. */
export async function challenge(request: CmpRequest, wish: CertificateWish): Promise<Answer> {
  const { services, policy, now, message } = request;
  const { answerType, certReqId } = wish;
  const number = newNumber();
  const beginning = beginStatements(request, {
    state: 'challenged',
    answerType,
    certReqId,
    message: message.der,
    challenge: number,
    waitsUntil: new Date(now.getTime() + policy.cmp.confirmWait * 1000),
  });
  try {
    await services.commit(beginning);
  } catch (error) {
    // The same message may have come twice at the same time.
    const recorded = isRefusal(error) ? await findRepeated(request) : undefined;
    if (recorded === undefined) throw error;
    return await repeatChallenge(request, wish, recorded);
  }
  return await popdecc(request, wish, number);
}

/** The popdecc of an operation once more, with the number of the first one. */
export async function repeatChallenge(
  request: CmpRequest,
  wish: CertificateWish,
  record: TransactionRecord,
): Promise<Answer> {
  const answer = await popdecc(request, wish, record.challenge ?? '');
  return { ...answer, answerNonce: record.serverNonce };
}

/** 128 bits. The first octet has no leading zeros to lose, and no sign. */
function newNumber(): string {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return octets.toString('hex');
}

async function popdecc(request: CmpRequest, wish: CertificateWish, number: string): Promise<Answer> {
  const { subjectPublicKeyInfo: key = new Uint8Array() } = wish.requested;
  const rand = encodeRand({ int: number, sender: await nameOfAnswer(request) });
  const form = request.message.header.pvno < 3 ? { challenge: encryptByRsa(key, rand) } : envelop(key, rand, wish);
  const body = encodeChallenges([{ owf: digestIdentifiers.sha256, witness: witnessOf(number), ...form }]);
  return { bodyType: 'popdecc', body };
}

/** DER GeneralName: the sender of the popdecc (RFC 9810 appendix F). */
async function nameOfAnswer({ services, exchange, sender }: CmpRequest): Promise<Uint8Array> {
  const { protection } = sender;
  if (protection.kind === 'mac') return explicit(4, nameOfReference(protection.senderKid));
  const { certificate } = await services.messageKey('cmp', exchange.params.label);
  return explicit(4, decodeCertificate(certificate).subject);
}

/** Of the INTEGER as it is encoded: the text does not say of what of it. */
function witnessOf(number: string): Uint8Array {
  return createHash('sha256')
    .update(unsignedInteger(Buffer.from(number, 'hex')))
    .digest();
}

/** Version 2 knows nothing but PKCS #1 v1.5. */
function encryptByRsa(publicKey: Uint8Array, rand: Uint8Array): Uint8Array {
  const described = describePublicKey(publicKey);
  if (described.algorithm !== 'rsa' || rand.length > Math.ceil(described.bits / 8) - pkcs1Overhead) {
    throw new GatewayError('invalid-proof-of-possession', 'the key is too short to encrypt a challenge to');
  }
  return publicEncrypt({ key: importPublicKey(publicKey), padding: constants.RSA_PKCS1_PADDING }, rand);
}

// RFC 8017 7.2.1
const pkcs1Overhead = 11;

/** RFC 9810 5.2.8.3.3: the recipient is named by the NULL-DN and the certReqId. */
function envelop(
  publicKey: Uint8Array,
  rand: Uint8Array,
  { certReqId }: CertificateWish,
): Pick<Challenge, 'challenge' | 'encryptedRand'> {
  const serialNumber = certReqId.toString(16).padStart(2, '0');
  const identifier = { type: 'issuerAndSerialNumber', issuer: sequence(), serialNumber } as const;
  return { challenge: new Uint8Array(), encryptedRand: encryptToKey(publicKey, rand, identifier) };
}
