/** What is answered, refusals apart. Nothing of it is kept on the way: it may have keys in it. */
import { retryAfter } from '../../src/http/text-answer.js';
import type { Reply } from '../../src/protocol.js';

export function jsonReply(
  status: number,
  value: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}

/** `location`: where to ask what has become of it; absent where the request itself has to be repeated. */
export function pendingReply(requestId: string, retryAfterSeconds: number, location: string | undefined): Reply {
  return jsonReply(
    202,
    { status: 'pending', request: requestId },
    { ...retryAfter(retryAfterSeconds), ...(location === undefined ? {} : { Location: location }) },
  );
}
