/** Refusals as problem documents (RFC 9457): what the REST protocol and the management API answer with. */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, GatewayError, HttpError } from '../errors.js';
import { clientErrorStatus, httpStatuses, retryAfter } from './text-answer.js';

export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is wrong with one field of a request, which is named in one of two ways. */
export interface FieldProblem {
  /** JSON pointer into the body, as a URI fragment (RFC 6901 6). */
  readonly pointer?: string;
  /** Of the path or the query. */
  readonly parameter?: string;
  readonly detail: string;
}

interface ProblemOptions {
  /** In place of the usual one. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldProblem[];
}

/** 422: it can be read, but the gateway does not have it so; 409: not now. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  ...httpStatuses,
  'unacceptable-key': 422,
  'rejected-name': 422,
  'rejected-profile': 422,
  'rejected-power': 422,
  'invalid-state': 409,
  'already-confirmed': 409,
};

export function problemAnswer(error: GatewayError, requestId: string, options: ProblemOptions = {}): ProblemAnswer {
  const { code, message: detail, retryAfterSeconds } = error;
  const { status = error instanceof HttpError ? error.status : statuses[code], headers = {}, errors } = options;
  const later = status === 429 || status === 503 ? retryAfter(retryAfterSeconds) : {};
  const rule = ruleOf(detail);
  const document = {
    // RFC 9457 4.2.1: the title is then the phrase of the status; `code` says more.
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Refused',
    status,
    detail,
    instance: `urn:uuid:${requestId}`,
    code,
    ...(rule === undefined ? {} : { rule }),
    ...(errors === undefined ? {} : { errors }),
  };
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...later, ...headers },
    body: JSON.stringify(document),
  };
}

/** Whatever was thrown, also by the HTTP server itself (`status` of 400 to 499), whose own texts could repeat the request. */
export function failureProblem(error: unknown, requestId: string): ProblemAnswer {
  if (error instanceof GatewayError && error.code !== 'internal') return problemAnswer(error, requestId);
  const status = clientErrorStatus(error);
  if (status !== undefined) {
    const detail = sentences.get(status) ?? 'the request cannot be served';
    return problemAnswer(new HttpError(status, 'malformed-request', detail), requestId);
  }
  const detail = `the gateway failed; its operator finds the cause under request ${requestId}`;
  return problemAnswer(new HttpError(500, 'internal', detail), requestId);
}

const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [404, 'there is no such resource'],
  [408, 'the request did not arrive in time'],
  [413, 'the request body is larger than the gateway takes'],
]);

/** The core ends what a rule says with the rule's name. */
function ruleOf(detail: string): string | undefined {
  return / \(rule ([A-Za-z0-9-]{1,64})\)$/.exec(detail)?.[1];
}
