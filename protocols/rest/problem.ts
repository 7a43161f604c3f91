/** How refusals look in REST: problem documents (RFC 9457). */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, GatewayError, HttpError } from '../../src/errors.js';
import { clientErrorStatus, httpStatuses, retryAfter } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';

/** 422: it can be read, but the policy does not have it; 409: not now. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  ...httpStatuses,
  'unacceptable-key': 422,
  'rejected-name': 422,
  'rejected-profile': 422,
  'rejected-power': 422,
  'invalid-state': 409,
  'already-confirmed': 409,
};

/** `challenge`: what another secret may be presented with, if one would help (RFC 9110 11.6.1). */
export function problemReply(error: GatewayError, requestId: string, challenge: string | undefined): Reply {
  const { code, message, retryAfterSeconds } = error;
  if (error instanceof HttpError) return reply(error.status, { code, detail: message }, requestId);
  if (code === 'bad-secret' && challenge !== undefined) {
    return reply(401, { code, detail: message }, requestId, { 'WWW-Authenticate': challenge });
  }
  const status = statuses[code];
  const headers = status === 429 || status === 503 ? retryAfter(retryAfterSeconds) : {};
  return reply(status, { code, detail: message }, requestId, headers);
}

/** Whatever was thrown where no policy is known any more, or by the HTTP server itself, whose own texts could repeat the request. */
export function failureReply(error: unknown, requestId: string): Reply {
  if (error instanceof GatewayError && error.code !== 'internal') return problemReply(error, requestId, undefined);
  const status = clientErrorStatus(error);
  if (status !== undefined) {
    const detail = sentences.get(status) ?? 'the request cannot be served';
    return reply(status, { code: 'malformed-request', detail }, requestId);
  }
  const detail = `the gateway failed; its operator finds the cause under request ${requestId}`;
  return reply(500, { code: 'internal', detail }, requestId);
}

const sentences: ReadonlyMap<number, string> = new Map([
  [400, 'the HTTP request is malformed'],
  [404, 'there is no such resource'],
  [408, 'the request did not arrive in time'],
  [413, 'the request body is larger than the gateway takes'],
]);

interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

function reply(
  status: number,
  { code, detail }: Refusal,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
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
  };
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store', ...headers },
    body: JSON.stringify(document),
  };
}

/** The core ends what a rule says with the rule's name. */
function ruleOf(detail: string): string | undefined {
  return / \(rule ([A-Za-z0-9-]{1,64})\)$/.exec(detail)?.[1];
}
