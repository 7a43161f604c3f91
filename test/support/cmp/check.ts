/** What a client must check of an answer before it believes it (RFC 9483 3.1, 3.2 and 3.5). */
import { timingSafeEqual, type X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { explicit } from '../../../src/x509/der-writer.js';
import { partsOf, textOf } from '../asn1-values.js';
import { computeMac, isMac } from './macs.js';
import { type CmpCredential, type SentMessage, secretOf, subjectKeyIdOf } from './message.js';
import type { CmpMessage } from './read-message.js';
import { isSignedWith } from './signatures.js';

/** One thing that is checked; a test about it leaves it out. */
export type Check =
  /** Status 200, of every CMP message. */
  | 'http'
  /** The request's, where that is one of CMP's. */
  | 'pvno'
  | 'messageTime'
  | 'transactionId'
  | 'recipNonce'
  /** Fresh, of 16 octets. */
  | 'senderNonce'
  /** The request's sender. */
  | 'recipient'
  /** Subject of the certificate that protects, or a name of the shared secret. */
  | 'sender'
  | 'senderKid'
  /** MAC for MAC, signature for signature. */
  | 'protectionKind'
  | 'protection'
  /** Of the certificate that protects, to a trust anchor at the present time. */
  | 'chain';

export interface CheckContext {
  readonly sent: SentMessage;
  /** Earlier messages of the transaction whose nonce a delayed answer may have (RFC 9483 3.1). */
  readonly earlier?: readonly SentMessage[];
  readonly trustAnchors: readonly X509Certificate[];
  readonly now: Date;
  /** Nonces of other answers, hex. */
  readonly seenNonces: ReadonlySet<string>;
  readonly unchecked: readonly Check[];
}

/** What is wrong with an answer, in words; nothing, where a client may believe it. */
export function problemsOf(message: CmpMessage, context: CheckContext): string[] {
  const { unchecked } = context;
  const found = [...headerProblems(message, context), ...protectionProblems(message, context)];
  return found.filter(([check]) => !unchecked.includes(check)).map(([check, words]) => `${check}: ${words}`);
}

type Problem = readonly [check: Check, words: string];

function headerProblems({ header }: CmpMessage, context: CheckContext): Problem[] {
  const { sent, earlier = [], now, seenNonces } = context;
  const { pvno, transactionId, senderNonce, recipNonce, messageTime, recipient } = header;
  const problems: Problem[] = [];
  const demand = (check: Check, holds: boolean, words: string) => {
    if (!holds) problems.push([check, words]);
  };
  const isOurVersion = sent.pvno === 2 || sent.pvno === 3;
  demand('pvno', isOurVersion ? pvno === sent.pvno : pvno === 2 || pvno === 3, `${pvno}`);
  // An answer has the request's own even where that is of a wrong length.
  const isCopied = sent.transactionId === undefined || same(transactionId, sent.transactionId);
  demand('transactionId', transactionId !== undefined && isCopied, 'another, or none');
  const nonces = [sent, ...earlier].map(({ senderNonce: own }) => own);
  const isEcho = nonces.some((nonce) => nonce === undefined || same(recipNonce, nonce));
  demand('recipNonce', isEcho, 'another than was sent, or none');
  demand('senderNonce', senderNonce?.length === 16, `of ${senderNonce?.length} octets`);
  const hex = senderNonce?.toString('hex') ?? '';
  demand('senderNonce', !seenNonces.has(hex), 'that was there before');
  const late = messageTime && Math.abs(messageTime.getTime() - now.getTime());
  demand('messageTime', late !== undefined && late < maximumSkewMilliseconds, `${messageTime?.toISOString()}`);
  demand('recipient', same(recipient, sent.sender), 'another than the sender');
  return problems;
}

const maximumSkewMilliseconds = 60_000;

function protectionProblems(message: CmpMessage, context: CheckContext): Problem[] {
  const { header, protection } = message;
  const { credential } = context.sent;
  if (header.protectionAlg === undefined || protection === undefined) return [['protection', 'none']];
  const byMac = isMac(header.protectionAlg);
  const kind: Problem[] =
    credential.kind !== 'none' && byMac !== (credential.kind === 'mac')
      ? [['protectionKind', byMac ? 'a MAC for a signature' : 'a signature for a MAC']]
      : [];
  return [...kind, ...(byMac ? macProblems(message, credential) : signatureProblems(message, context))];
}

function macProblems({ header, protection, protectedPart }: CmpMessage, credential: CmpCredential): Problem[] {
  const { protectionAlg, sender, senderKid } = header;
  if (credential.kind !== 'mac') return [['protection', 'a MAC, and no secret for it']];
  const mac = computeMac(protectionAlg ?? Buffer.alloc(0), secretOf(credential.secret), protectedPart);
  const isRight = protection?.length === mac.length && timingSafeEqual(protection, mac);
  const commonName = commonNameOf(sender);
  return [
    ...problemUnless(isRight, 'protection', 'a wrong MAC'),
    ...problemUnless(commonName !== undefined, 'sender', 'no directoryName with a common name'),
    ...problemUnless(senderKid?.toString() === commonName, 'senderKid', 'another than the common name'),
  ];
}

function signatureProblems(
  { header, protection, protectedPart, extraCerts }: CmpMessage,
  { trustAnchors, now }: CheckContext,
): Problem[] {
  const [certificate] = extraCerts;
  if (certificate === undefined || header.protectionAlg === undefined || protection === undefined)
    return [['protection', 'no certificate of the signer']];
  const decoded = decodeCertificate(certificate.raw);
  const keyId = subjectKeyIdOf(decoded);
  const isRight = isSignedWith(header.protectionAlg, certificate.publicKey, protectedPart, protection);
  const isNamed = same(header.sender, explicit(4, decoded.subject));
  return [
    ...problemUnless(isRight, 'protection', 'a wrong signature'),
    ...problemUnless(isNamed, 'sender', "not the subject of the signer's certificate"),
    ...problemUnless(keyId === undefined || same(header.senderKid, keyId), 'senderKid', "not the signer's key"),
    ...problemUnless(leadsToAnchor(extraCerts, trustAnchors, now), 'chain', 'the signer is not trusted'),
  ];
}

/** Whether the first of the certificates leads through the others to a trust anchor; all of them valid at the time. */
export function leadsToAnchor(
  certificates: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  now: Date,
): boolean {
  let [current] = certificates;
  for (let steps = 0; current !== undefined && steps < 10; steps++) {
    const subject: X509Certificate = current;
    if (now < new Date(subject.validFrom) || now > new Date(subject.validTo)) return false;
    if (anchors.some(({ raw }) => raw.equals(subject.raw))) return true;
    const hasIssued = (issuer: X509Certificate) =>
      !issuer.raw.equals(subject.raw) && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
    if (anchors.some(hasIssued)) return true;
    current = certificates.find(hasIssued);
  }
  return false;
}

/** The text of the last common name in a directoryName. */
function commonNameOf(sender: Uint8Array): string | undefined {
  const { result } = fromBER(sender);
  if (result.idBlock.tagNumber !== 4) return undefined;
  const attributes = partsOf(partsOf(result)[0]).flatMap(partsOf).map(partsOf);
  const [, value] = attributes.findLast(([type]) => type !== undefined && textOf(type) === '2.5.4.3') ?? [];
  return value && textOf(value);
}

function problemUnless(holds: boolean, check: Check, words: string): Problem[] {
  return holds ? [] : [[check, words]];
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
