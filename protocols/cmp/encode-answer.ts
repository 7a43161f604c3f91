/** Puts an answer into a PKIMessage that is protected as its request was (RFC 9483 3.1 to 3.3). */

import { randomBytes } from 'node:crypto';
import { GatewayError } from '../../src/errors.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { ProtocolServices } from '../../src/protocol.js';
import type { ServiceKey } from '../../src/service-key.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { DerError, DerReader } from '../../src/x509/der.js';
import { explicit, sequence } from '../../src/x509/der-writer.js';
import { readGeneralName } from '../../src/x509/general-names.js';
import { decodeName, encodeName } from '../../src/x509/names.js';
import { idAtCommonName } from '../../src/x509/oids.js';
import { subjectKeyIdentifier } from '../../src/x509/public-key.js';
import { encodePkiHeader, type PkiHeader } from './asn1/pki-header.js';
import { encodeBody, encodePkiMessage, protectedPart } from './asn1/pki-message.js';
import { asGatewayError } from './errors.js';
import { answerVersion } from './header-checks.js';
import { answerSignature } from './protection/answer-signature.js';
import { rejectMessage } from './rejection.js';
import type { Answer } from './request.js';
import { type Protection, referenceOf } from './sender.js';

interface AnswerContext {
  readonly services: ProtocolServices;
  readonly label: string | undefined;
  readonly policy: PolicyView;
  /** What is known of the request's header. */
  readonly header: { readonly [Field in keyof PkiHeader]?: PkiHeader[Field] | undefined };
  /** The request's, if it is good; the answer is signed when it is not known. */
  readonly protection: Protection | undefined;
  /** The senderNonce of the answer. */
  readonly nonce: Uint8Array;
}

export interface EncodedAnswer {
  /** DER PKIMessage. */
  readonly der: Uint8Array;
  /** What it refuses, or what went wrong in the gateway, for the log. */
  readonly refusal?: GatewayError;
}

/** What cannot be protected becomes an error message without protection: the client learns that there is nothing to wait for. */
export async function encodeAnswer(answer: Answer, context: AnswerContext): Promise<EncodedAnswer> {
  const { protection } = context;
  const { refusal } = answer;
  try {
    const der = await (protection?.kind === 'mac' ? protectByMac(answer, context, protection) : sign(answer, context));
    return refusal === undefined ? { der } : { der, refusal };
  } catch (error) {
    const failure = ownFailure(error);
    return { der: withoutProtection(rejectMessage(refusal ?? failure), context), refusal: failure };
  }
}

/** 128 bits (RFC 9483 3.1). */
export function newNonce(): Uint8Array {
  return randomBytes(16);
}

/** DER Name of the sender of an answer with a MAC (RFC 9483 3.1: a commonName that is the secret's name); hex of what is no text. */
export function nameOfReference(senderKid: Uint8Array): Uint8Array {
  const reference = Buffer.from(referenceOf(senderKid));
  const text = reference.toString('utf8');
  const isText = !/\p{Cc}/u.test(text) && Buffer.from(text).equals(reference);
  return encodeName([[{ type: idAtCommonName, value: isText ? text : reference.toString('hex') }]]);
}

/** Devices without a trust store take the root from the message, and compare it with what they know (RFC 9483 3.3). */
export function visibleCertificates(certificates: readonly Uint8Array[], { cmp }: PolicyView): readonly Uint8Array[] {
  if (cmp.includeRoot) return certificates;
  return certificates.filter((der) => {
    const { issuer, subject } = decodeCertificate(der);
    return Buffer.compare(issuer, subject) !== 0;
  });
}

/** Whatever the gateway's own key is refused for is no fault of the client's. */
function ownFailure(error: unknown): GatewayError {
  const isBusy = error instanceof GatewayError && error.code === 'unavailable';
  return isBusy ? error : asGatewayError(new GatewayError('internal', 'no answer can be protected', { cause: error }));
}

/** RFC 9483 3.6.4: nothing but an error message may come without protection. */
function withoutProtection(answer: Answer, context: AnswerContext): Uint8Array {
  return encodePkiMessage({ ...encodeParts(answer, { ...context, nonce: newNonce() }, unnamed), extraCerts: [] });
}

async function protectByMac(
  answer: Answer,
  context: AnswerContext,
  { key, secret, senderKid }: Extract<Protection, { kind: 'mac' }>,
): Promise<Uint8Array> {
  const algorithm = key.algorithm.renewed();
  const parts = encodeParts(answer, context, {
    sender: nameOfReference(senderKid),
    senderKid,
    protectionAlg: algorithm.identifier,
  });
  const answerKey = await algorithm.deriveKey(secret);
  const certificates = answer.certificates ?? [];
  const extraCerts = certificates.length === 0 ? [] : await extraCertificates(certificates, context);
  return encodePkiMessage({ ...parts, protection: answerKey.mac(protectedPart(parts)), extraCerts });
}

async function sign(answer: Answer, context: AnswerContext): Promise<Uint8Array> {
  const { services, label, protection, policy } = context;
  const key = await services.messageKey('cmp', label);
  const { subject, subjectPublicKeyInfo } = decodeCertificate(key.certificate);
  const asked = protection?.kind === 'signature' ? protection.algorithm : undefined;
  const algorithm = answerSignature(key.algorithm, asked, policy.cmp.signatureAlgorithms);
  const parts = encodeParts(answer, context, {
    sender: subject,
    senderKid: subjectKeyIdentifier(subjectPublicKeyInfo),
    protectionAlg: algorithm.identifier,
  });
  return encodePkiMessage({
    ...parts,
    protection: await key.signMessage(protectedPart(parts), algorithm),
    extraCerts: await extraCertificates([...ownChain(key), ...(answer.certificates ?? [])], context),
  });
}

interface AnswerSender {
  /** DER Name. */
  readonly sender: Uint8Array;
  readonly senderKid?: Uint8Array;
  readonly protectionAlg?: Uint8Array;
}

/** By the NULL-DN (RFC 9483 3.1). */
const unnamed: AnswerSender = { sender: sequence() };

function encodeParts(
  { bodyType, body, generalInfo = [], answerNonce }: Answer,
  { services, header, nonce }: AnswerContext,
  { sender, senderKid, protectionAlg }: AnswerSender,
): { headerDer: Uint8Array; bodyDer: Uint8Array } {
  const headerDer = encodePkiHeader({
    pvno: answerVersion(header.pvno),
    sender: explicit(4, sender),
    recipient: readable(header.sender) ?? nobody,
    messageTime: services.clock.now(),
    protectionAlg,
    senderKid,
    transactionId: header.transactionId ?? randomBytes(16),
    senderNonce: answerNonce ?? nonce,
    recipNonce: header.senderNonce,
    generalInfo,
  });
  return { headerDer, bodyDer: encodeBody(bodyType, body) };
}

/** The NULL-DN (RFC 9483 3.1). */
const nobody = explicit(4, unnamed.sender);

/** The name, if it is one: whoever reads the answer should not stumble over what the request had. */
function readable(generalName: Uint8Array | undefined): Uint8Array | undefined {
  if (generalName === undefined) return undefined;
  try {
    const name = DerReader.decode(generalName, readGeneralName);
    if (name.type === 'directoryName') decodeName(name.value);
    return generalName;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** While roots roll over, also what leads to the one that a client may know alone (RFC 9810 4.4). */
async function extraCertificates(
  certificates: readonly Uint8Array[],
  { services, label, policy }: AnswerContext,
): Promise<readonly Uint8Array[]> {
  const links = await services.linksToEarlierRoots(label);
  return withoutRepeats([...visibleCertificates(certificates, policy), ...links]);
}

function ownChain({ certificate, chain }: ServiceKey): Uint8Array[] {
  return [certificate, ...chain];
}

function withoutRepeats(certificates: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(certificates.map((der) => [Buffer.from(der).toString('latin1'), der])).values()];
}
