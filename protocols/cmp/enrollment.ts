/** Asks the core for a certificate and puts what comes of it into an ip, cp or kup (RFC 9810 5.3.4, RFC 9483 4.1.1). */

import type { CertificateName } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { originOf } from '../../src/protocol.js';
import { generalizedTime, nullValue } from '../../src/x509/der-writer.js';
import { encodeCertRepMessage } from './asn1/cert-response.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { idItConfirmWaitTime, idItImplicitConfirm } from './asn1/oids.js';
import type { BodyType } from './asn1/pki-message.js';
import { type Beginning, beginStatements, findRepeated } from './operation.js';
import type { Answer, CmpRequest } from './request.js';
import type { TransactionRecord } from './store.js';

/** What a message asks for, in the core's terms. */
export interface CertificateWish {
  readonly answerType: Extract<BodyType, 'ip' | 'cp' | 'kup' | 'ccp'>;
  readonly certReqId: number;
  readonly requested: RequestedCertificate;
  /** DER PKCS #10. */
  readonly certificationRequest?: Uint8Array;
  /** What will differ from the wishes, whatever the policy decides. */
  readonly notes: readonly string[];
  readonly isUpdate: boolean;
  readonly onBehalfOf?: CertificateName;
}

/** @throws GatewayError */
export async function enroll(request: CmpRequest, wish: CertificateWish): Promise<Answer> {
  const { policy, header, now } = request;
  const { answerType, certReqId } = wish;
  const isImplicit = header.implicitConfirm && policy.cmp.implicitConfirm;
  const confirmUntil = isImplicit ? undefined : new Date(now.getTime() + policy.cmp.confirmWait * 1000);
  let result: EnrollmentResult;
  try {
    result = await ask(request, wish, confirmUntil);
  } catch (error) {
    // The same message may have come twice at the same time.
    const recorded = isOvertaken(error) ? await findRepeated(request) : undefined;
    if (recorded === undefined) throw error;
    return repeatAnswer(request, recorded);
  }
  if (result.outcome === 'pending') return waiting(answerType, certReqId);
  const { certificate } = result;
  const modified = modificationsOf(result, wish);
  return issuedAnswer(request, { answerType, certReqId, certificate, modified, confirmUntil });
}

/** What the transaction's insert is refused with. */
function isOvertaken(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'invalid-state';
}

function ask(request: CmpRequest, wish: CertificateWish, confirmUntil: Date | undefined): Promise<EnrollmentResult> {
  const { services, exchange, sender, policy, header } = request;
  const { requested, isUpdate, onBehalfOf, certificationRequest } = wish;
  return services.enroll({
    ...originOf(exchange),
    protocol: 'cmp',
    operation: isUpdate ? 'reenroll' : 'either',
    requested,
    credentials: [sender.credential],
    supplants: isUpdate,
    newKeyOnly: !policy.cmp.keyReuse,
    accompanying: (result) => beginStatements(request, beginningOf(request, wish, result, confirmUntil)),
    ...(confirmUntil === undefined ? {} : { confirmWithin: policy.cmp.confirmWait }),
    ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
    ...(header.certProfile === undefined ? {} : { profileHint: header.certProfile }),
    ...(certificationRequest === undefined ? {} : { certificationRequest }),
  });
}

function beginningOf(
  { message, now }: CmpRequest,
  wish: CertificateWish,
  result: EnrollmentResult,
  confirmUntil: Date | undefined,
): Beginning {
  const { answerType, certReqId } = wish;
  if (result.outcome === 'pending') {
    const { requestId } = result;
    // When the core has forgotten the request, a poll finds that out.
    const waitsUntil = new Date(now.getTime() + longestWaitMilliseconds);
    return { answerType, certReqId, state: 'waiting', requestId, message: message.der, waitsUntil };
  }
  const isModified = modificationsOf(result, wish).length > 0 ? 1 : 0;
  const issued = { answerType, certReqId, certificate: result.certificate, isModified };
  return confirmUntil === undefined
    ? { ...issued, state: 'closed' }
    : { ...issued, state: 'unconfirmed', waitsUntil: confirmUntil };
}

/** Longer than anybody lets a request wait for its approval. */
const longestWaitMilliseconds = 366 * 86_400_000;

interface Issued {
  readonly answerType: CertificateWish['answerType'];
  readonly certReqId: number;
  readonly certificate: Uint8Array;
  readonly modified: readonly string[];
  /** Until when a certConf is waited for; none is when undefined. */
  readonly confirmUntil: Date | undefined;
}

/** The answer with a certificate. */
export function issuedAnswer({ services, exchange }: CmpRequest, issued: Issued): Answer {
  const { answerType, certReqId, certificate, modified, confirmUntil } = issued;
  const chain = services.caCertificates(exchange.params.label);
  const status =
    modified.length === 0
      ? ({ status: 'accepted' } as const)
      : ({ status: 'grantedWithMods', statusString: modified } as const);
  return {
    bodyType: answerType,
    // RFC 9483 4.1.2 and 4.1.3: who has a certificate of this PKI already has its trust anchor, too.
    body: encodeCertRepMessage({
      ...(answerType === 'ip' ? { caPubs: chain.slice(-1) } : {}),
      responses: [{ certReqId, status, certificate }],
    }),
    certificates: chain,
    generalInfo: [confirmation(confirmUntil)],
  };
}

/** The answer of an operation once more: a message that came twice has one certificate. @throws GatewayError */
export function repeatAnswer(request: CmpRequest, record: TransactionRecord): Answer {
  const { answerType, certReqId, certificate, isModified, serverNonce, state, createdAt } = record;
  if (state === 'confirmed')
    throw new GatewayError('duplicate-transaction', 'the operation of this transactionID has ended');
  const type = answerType as CertificateWish['answerType'];
  if (certificate === null) return { ...waiting(type, certReqId), answerNonce: serverNonce };
  const isUnconfirmed = state === 'unconfirmed';
  const answer = issuedAnswer(request, {
    answerType: type,
    certReqId,
    certificate,
    modified: isModified === 1 ? ['the certificate differs from what was asked for'] : [],
    confirmUntil: isUnconfirmed ? new Date(createdAt + request.policy.cmp.confirmWait * 1000) : undefined,
  });
  return { ...answer, answerNonce: serverNonce };
}

/** RFC 9483 4.4: the certificate is not there yet. */
export function waiting(bodyType: CertificateWish['answerType'], certReqId: number): Answer {
  const status = { status: 'waiting', statusString: ['the request waits for an approval'] } as const;
  return { bodyType, body: encodeCertRepMessage({ responses: [{ certReqId, status }] }) };
}

function confirmation(until: Date | undefined): InfoTypeAndValue {
  return until === undefined
    ? { id: idItImplicitConfirm, value: nullValue }
    : { id: idItConfirmWaitTime, value: generalizedTime(until) };
}

function modificationsOf(
  { modified }: Extract<EnrollmentResult, { outcome: 'issued' }>,
  { notes }: CertificateWish,
): readonly string[] {
  return [...notes, ...modified];
}
