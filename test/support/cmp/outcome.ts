/** What came of a message: the answer with what a test most often asks for at hand. */
import type { X509Certificate } from 'node:crypto';
import type { Answer } from '../est-client.js';
import { type FailInfo, infoTypes, type PkiStatus } from './identifiers.js';
import type { SentMessage } from './message.js';
import type { CertResponse, CmpBody, StatusInfo } from './read-body.js';
import type { CmpMessage } from './read-message.js';

export interface CmpOutcome {
  readonly sent: SentMessage;
  /** What this transaction had before, the oldest first. */
  readonly earlier: readonly SentMessage[];
  /** Of the request that it is all about: -1 for p10cr, and for the whole message of rr and genm. */
  readonly certReqId: number;
  readonly answer: Answer;
  /** Of HTTP. */
  readonly status: number;
  /** Absent where the refusal is one of HTTP. */
  readonly message?: CmpMessage;
  readonly body?: CmpBody;
  /** Of the first response or status, or of the error. */
  readonly pkiStatus?: PkiStatus;
  readonly failInfo: readonly FailInfo[];
  readonly statusString?: string;
  readonly response?: CertResponse;
  readonly certificate?: X509Certificate;
  /** Whether no certConf is wanted. */
  readonly isImplicitlyConfirmed: boolean;
  /** Of the answers in a nested one, in the order of what was sent. */
  readonly inner: readonly CmpOutcome[];
}

export type OutcomeSource = Pick<CmpOutcome, 'sent' | 'earlier' | 'certReqId' | 'answer'> & {
  readonly message?: CmpMessage;
};

export function outcomeOf({ message, ...source }: OutcomeSource, inner: readonly CmpOutcome[] = []): CmpOutcome {
  const nothing = { ...source, status: source.answer.status, failInfo: [], isImplicitlyConfirmed: false, inner };
  if (message === undefined) return nothing;
  const { body, header } = message;
  const response = 'responses' in body ? body.responses[0] : undefined;
  const said = statusOf(body);
  const text = said?.texts.join('; ') ?? '';
  return {
    ...nothing,
    message,
    body,
    ...(said && { pkiStatus: said.status, failInfo: said.failInfo }),
    ...(text !== '' && { statusString: text }),
    ...(response && { response }),
    ...(response?.certificate && { certificate: response.certificate }),
    isImplicitlyConfirmed: header.generalInfo.some(({ type }) => type === infoTypes.implicitConfirm),
  };
}

/** The certificate of a successful enrollment. */
export function issuedBy(outcome: CmpOutcome): X509Certificate {
  if (outcome.certificate !== undefined) return outcome.certificate;
  throw new Error(`no certificate but ${describe(outcome)}`);
}

/** One line for people. */
export function describe({ body, pkiStatus, failInfo, statusString, answer }: CmpOutcome): string {
  if (body === undefined) return `HTTP ${answer.status}: ${answer.text}`;
  return `${body.type} ${pkiStatus ?? ''} ${failInfo.join(' ')} ${statusString ?? ''}`.replace(/\s+/g, ' ').trim();
}

function statusOf(body: CmpBody): StatusInfo | undefined {
  if ('responses' in body) return body.responses[0]?.status;
  if ('statuses' in body) return body.statuses[0];
  return body.type === 'error' ? body.status : undefined;
}
