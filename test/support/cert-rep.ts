/** Reads the CertRep messages of a SCEP server (RFC 8894 3.3.2), with other libraries than ours. */
import type { X509Certificate } from 'node:crypto';
import { octetsOf, textOf } from './asn1-values.js';
import { readSignedMessage, type SignerAnswer } from './cms-answer.js';
import { type EnvelopeKey, type OpenedEnvelope, openEnvelope } from './opened-envelope.js';
import {
  type FailInfo,
  failInfos,
  type PkiStatus,
  pkiStatuses,
  type ScepAttribute,
  scepAttributes,
} from './scep-identifiers.js';

export interface CertRep {
  readonly pkiStatus: PkiStatus;
  readonly failInfo?: FailInfo;
  readonly failInfoText?: string;
  readonly transactionId: string;
  /** Hex. */
  readonly senderNonce: string;
  readonly recipientNonce?: string;
  readonly signer: SignerAnswer;
  /** Beside the messages in the envelope: those of the SignedData itself. */
  readonly signerCertificates: readonly X509Certificate[];
  /** Of SUCCESS, and of nothing else. */
  readonly envelope?: Omit<OpenedEnvelope, 'content' | 'contentType'>;
  /** From inside the envelope, in its order. */
  readonly certificates: readonly X509Certificate[];
  readonly crls: readonly Buffer[];
}

/** @throws Error when it is not well-formed, or not a CertRep, or what it has does not go with its status */
export function readCertRep(der: Uint8Array, key: EnvelopeKey): CertRep {
  const { signer, content = Buffer.alloc(0), certificates: signerCertificates } = readSignedMessage(der);
  if (signer === undefined) throw new Error('a CertRep that nobody has signed');
  const { attributes } = signer;
  const text = (name: ScepAttribute) => {
    const value = attributes.get(scepAttributes[name]);
    return value && textOf(value);
  };
  const nonce = (name: ScepAttribute) => {
    const value = attributes.get(scepAttributes[name]);
    return value && octetsOf(value).toString('hex');
  };
  if (text('messageType') !== '3') throw new Error(`message type ${text('messageType')}`);
  const pkiStatus = pkiStatuses.get(text('pkiStatus') ?? '');
  const failInfo = failInfos[Number(text('failInfo'))];
  const [transactionId, failInfoText] = [text('transactionId'), text('failInfoText')];
  const [senderNonce, recipientNonce] = [nonce('senderNonce'), nonce('recipientNonce')];
  if (pkiStatus === undefined) throw new Error(`pkiStatus ${text('pkiStatus')}`);
  if (transactionId === undefined || senderNonce === undefined) throw new Error('no transactionID or senderNonce');
  if ((failInfo !== undefined) !== (pkiStatus === 'FAILURE')) throw new Error(`${pkiStatus} with failInfo ${failInfo}`);
  // Other statuses may have it empty, which old clients want, or not at all.
  if (content.length > 0 !== (pkiStatus === 'SUCCESS')) throw new Error(`${pkiStatus} and its content`);
  return {
    pkiStatus,
    ...(failInfo && { failInfo }),
    ...(failInfoText !== undefined && { failInfoText }),
    transactionId,
    senderNonce,
    ...(recipientNonce !== undefined && { recipientNonce }),
    signer,
    signerCertificates,
    ...(content.length === 0 ? { certificates: [], crls: [] } : readContent(content, key)),
  };
}

/** The certs-only or CRL-only message in the envelope. */
function readContent(content: Buffer, key: EnvelopeKey): Pick<CertRep, 'envelope' | 'certificates' | 'crls'> {
  const { content: inner, contentType, ...envelope } = openEnvelope(content, key);
  const { signer, certificates, crls, content: nothing } = readSignedMessage(inner);
  if (signer !== undefined || nothing !== undefined) throw new Error('the inner message is not degenerate');
  return { envelope, certificates, crls };
}
