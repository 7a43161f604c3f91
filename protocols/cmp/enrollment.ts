/** Asks the core for a certificate and puts what comes of it into an ip, cp or kup (RFC 9810 5.3.4, RFC 9483 4.1.1). */

import { hash } from 'node:crypto';
import type { CertificateName, GatewayMadeKey } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError, isRefusal } from '../../src/errors.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { originOf } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { generalizedTime, nullValue } from '../../src/x509/der-writer.js';
import { encodeCertRepMessage } from './asn1/cert-response.js';
import type { EncryptedKey } from './asn1/encrypted-key.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { idItConfirmWaitTime, idItImplicitConfirm } from './asn1/oids.js';
import type { BodyType } from './asn1/pki-message.js';
import { sealGeneratedKey } from './central-key.js';
import { waitingReason } from './delayed-delivery.js';
import { encryptToKey, encryptValueToKey } from './encrypt-to-key.js';
import { CmpError } from './errors.js';
import { type AssignedFields, modificationsOf } from './modifications.js';
import { type Beginning, beginStatements, findRepeated, longestWait, proceedStatement } from './operation.js';
import { certificateEncryption, encryptionOf, type OutstandingProof } from './proof-of-possession.js';
import type { Answer, CmpRequest } from './request.js';
import type { TransactionRecord, TransactionWrite } from './store.js';

/** What a message asks for, in the core's terms. */
export interface CertificateWish extends AssignedFields {
  readonly answerType: Extract<BodyType, 'ip' | 'cp' | 'kup' | 'ccp'>;
  readonly certReqId: number;
  readonly requested: RequestedCertificate;
  /** How possession of the key is still to be proved (RFC 4211 4.2); it is proved already when absent. */
  readonly outstanding?: OutstandingProof;
  /** A passcode beside the protection of the message. */
  readonly passcode?: string;
  /** What the certificate is for, where the message says so. */
  readonly usage?: 'intermediate';
  /** For the sender of the message, in place of a public key among the wishes. */
  readonly generateKey?: GatewayMadeKey;
  /** DER PKCS #10. */
  readonly certificationRequest?: Uint8Array;
  /** As the store has it. */
  readonly csrHash?: string;
  readonly isUpdate: boolean;
  readonly onBehalfOf?: CertificateName;
}

/**
 * @param begun the operation, where an earlier message has begun it
 * @throws GatewayError
 */
export async function enroll(request: CmpRequest, wish: CertificateWish, begun?: TransactionRecord): Promise<Answer> {
  const { answerType, certReqId } = wish;
  const encryption = wish.outstanding === 'encrCert' ? encryptionOf(request.message) : undefined;
  const confirmUntil = confirmationEnd(request, request.header.implicitConfirm && encryption === undefined);
  let result: EnrollmentResult;
  try {
    result = await ask(request, wish, confirmUntil, (issued) => {
      const beginning = beginningOf(request, wish, issued, confirmUntil);
      return begun ? [proceedStatement(request, begun, beginning)] : beginStatements(request, beginning);
    });
  } catch (error) {
    // The same message may have come twice at the same time: what its twin has committed may be what this one is refused for.
    const recorded = isRefusal(error) ? await findRepeated(request) : undefined;
    if (recorded === undefined || recorded.state === 'challenged') throw ofPasscode(error, wish);
    return await repeatAnswer(request, recorded, wish.generateKey !== undefined);
  }
  if (result.outcome === 'pending') return waiting(answerType, certReqId);
  const { certificate, chain } = result;
  const modified = modificationsOf(result, wish);
  const privateKey = wish.generateKey && (await sealGeneratedKey(request, result));
  const issued = { answerType, certReqId, certificate, chain, encryption, privateKey, modified, confirmUntil };
  return issuedAnswer(issued);
}

/**
 * Until when a certConf is waited for; undefined where none is.
 * @param isImplicitWished what the client has asked for; never for a certificate whose certConf proves possession of its key
 */
export function confirmationEnd({ policy, now }: CmpRequest, isImplicitWished: boolean): Date | undefined {
  if (isImplicitWished && policy.cmp.implicitConfirm) return undefined;
  return new Date(now.getTime() + policy.cmp.confirmWait * 1000);
}

/** The MAC was verified before: a secret that is refused now is the one beside it. */
function ofPasscode(error: unknown, { passcode }: CertificateWish): unknown {
  if (passcode === undefined || !(error instanceof GatewayError) || error.code !== 'bad-secret') return error;
  return new CmpError('notAuthorized', `regToken or authenticator: ${error.message}`, 'bad-secret');
}

/** Asks the core; what `accompanying` gives is committed with what comes of it. @throws GatewayError */
export function ask(
  { services, exchange, sender, policy, header, message }: CmpRequest,
  { requested, generateKey, isUpdate, onBehalfOf, certificationRequest, usage, passcode }: CertificateWish,
  confirmUntil: Date | undefined,
  accompanying: (result: EnrollmentResult) => readonly TransactionWrite[],
): Promise<EnrollmentResult> {
  return services.enroll({
    ...originOf(exchange),
    protocol: 'cmp',
    operation: isUpdate ? 'reenroll' : usage === undefined && passcode === undefined ? 'either' : 'enroll',
    requested,
    credentials:
      passcode === undefined ? [sender.credential] : [sender.credential, { kind: 'password', password: passcode }],
    supplants: isUpdate,
    newKeyOnly: !policy.cmp.keyReuse,
    accompanying,
    // A key is made when the approved request is asked for again, which this finds.
    ...(generateKey === undefined ? {} : { generateKey, transactionId: hash('sha256', message.der, 'hex') }),
    ...(confirmUntil === undefined ? {} : { confirmWithin: policy.cmp.confirmWait }),
    ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
    ...(header.certProfile === undefined ? {} : { profileHint: header.certProfile }),
    ...(usage === undefined ? {} : { usage }),
    ...(certificationRequest === undefined ? {} : { certificationRequest }),
  });
}

function beginningOf(
  request: CmpRequest,
  wish: CertificateWish,
  result: EnrollmentResult,
  confirmUntil: Date | undefined,
): Beginning {
  const { answerType, certReqId, csrHash = null } = wish;
  if (result.outcome === 'pending') {
    const { requestId } = result;
    const waitsUntil = longestWait(request.now);
    return { answerType, certReqId, csrHash, state: 'waiting', requestId, message: request.message.der, waitsUntil };
  }
  const isModified = modificationsOf(result, wish).length > 0 ? 1 : 0;
  const issued = { answerType, certReqId, csrHash, certificate: result.certificate, isModified };
  return confirmUntil === undefined
    ? { ...issued, state: 'closed' }
    : { ...issued, state: 'unconfirmed', waitsUntil: confirmUntil };
}

interface Issued {
  readonly answerType: CertificateWish['answerType'];
  readonly certReqId: number;
  readonly certificate: Uint8Array;
  /** Its own, whatever CA the policy has by now: DER, from the issuer to the root. */
  readonly chain: readonly Uint8Array[];
  /** Where only the holder of its key may read it (RFC 9810 5.2.8.3.2). */
  readonly encryption: EncryptedKey['type'] | undefined;
  /** DER EnvelopedData, of a key that the gateway has made. */
  readonly privateKey?: Uint8Array | undefined;
  readonly modified: readonly string[];
  /** Until when a certConf is waited for; none is when undefined. */
  readonly confirmUntil: Date | undefined;
}

/** The answer with a certificate. */
export function issuedAnswer(issued: Issued): Answer {
  const { answerType, certReqId, certificate, chain, encryption, privateKey, modified, confirmUntil } = issued;
  const status =
    modified.length === 0
      ? ({ status: 'accepted' } as const)
      : ({ status: 'grantedWithMods', statusString: modified } as const);
  return {
    bodyType: answerType,
    // RFC 9483 4.1.2 and 4.1.3: who has a certificate of this PKI already has its trust anchor, too.
    body: encodeCertRepMessage({
      ...(answerType === 'ip' ? { caPubs: chain.slice(-1) } : {}),
      responses: [
        {
          certReqId,
          status,
          ...(encryption === undefined ? { certificate } : { encryptedCert: encrypted(certificate, encryption) }),
          privateKey,
        },
      ],
    }),
    certificates: chain,
    generalInfo: [confirmation(confirmUntil)],
  };
}

/**
 * The answer of an operation once more: a message that came twice has one certificate.
 * @throws GatewayError `duplicate-transaction` where the operation has ended, or its answer had a key that is not kept
 */
export async function repeatAnswer(
  request: CmpRequest,
  record: TransactionRecord,
  isKeyGenerated = false,
): Promise<Answer> {
  const { answerType, certReqId, certificate, isModified, serverNonce, state, createdAt } = record;
  if (state === 'confirmed' || (state === 'closed' && certificate === null))
    throw new GatewayError('duplicate-transaction', 'the operation of this transactionID has ended');
  if (isKeyGenerated && certificate !== null) {
    // Making another one would let whoever has seen the message take the first one from its owner by sending it again.
    throw new GatewayError('duplicate-transaction', 'the key of this operation was handed over; begin a new operation');
  }
  const type = answerType as CertificateWish['answerType'];
  if (certificate === null) return { ...waiting(type, certReqId), answerNonce: serverNonce };
  const isUnconfirmed = state === 'unconfirmed';
  const answer = issuedAnswer({
    answerType: type,
    certReqId,
    certificate,
    chain: await request.services.issuersOf(certificate),
    encryption: certificateEncryption(request.message),
    modified: isModified === 1 ? ['the certificate differs from what was asked for'] : [],
    confirmUntil: isUnconfirmed ? new Date(createdAt + request.policy.cmp.confirmWait * 1000) : undefined,
  });
  return { ...answer, answerNonce: serverNonce };
}

/** RFC 9483 4.4: the certificate is not there yet. */
export function waiting(bodyType: CertificateWish['answerType'], certReqId: number): Answer {
  const status = { status: 'waiting', statusString: [waitingReason] } as const;
  return { bodyType, body: encodeCertRepMessage({ responses: [{ certReqId, status }] }) };
}

function encrypted(certificate: Uint8Array, type: EncryptedKey['type']): EncryptedKey {
  const { subjectPublicKeyInfo } = decodeCertificate(certificate);
  return type === 'envelopedData'
    ? { type, envelopedData: encryptToKey(subjectPublicKeyInfo, certificate) }
    : { type, encryptedValue: encryptValueToKey(subjectPublicKeyInfo, certificate) };
}

function confirmation(until: Date | undefined): InfoTypeAndValue {
  return until === undefined
    ? { id: idItImplicitConfirm, value: nullValue }
    : { id: idItConfirmWaitTime, value: generalizedTime(until) };
}
