/** Refusals in CMP (RFC 9483 3.6), and what the gateway has on record of them. */
import { expect } from '@jest/globals';
import type { ErrorCode } from '../../src/errors.js';
import type { BodyType, FailInfo } from './cmp/identifiers.js';
import type { CmpOutcome } from './cmp/outcome.js';
import { countRecords, eventOf, eventsOf } from './records.js';
import type { TestGateway } from './test-gateway.js';

export interface CmpRefusal {
  /** Default: error. */
  readonly body?: BodyType;
  readonly failInfo: FailInfo;
  readonly code: ErrorCode;
  /** A part of the sentence. */
  readonly says?: string;
  /** Of a message in a nested one, which has an event of its own. */
  readonly isInner?: boolean;
}

/** Expects that a message is refused with one plain sentence and its audit event, and that nothing comes of it. */
export async function expectRejected(
  test: TestGateway,
  send: () => Promise<CmpOutcome>,
  { body = 'error', failInfo, code, says = '', isInner = false }: CmpRefusal,
): Promise<CmpOutcome> {
  const before = await countRecords(test);
  const outcome = await send();
  const { status, pkiStatus, statusString, certificate, response, sent, earlier } = outcome;
  expect({ status, body: outcome.body?.type, pkiStatus, failInfo: outcome.failInfo, statusString }).toEqual({
    status: 200,
    body,
    pkiStatus: 'rejection',
    failInfo: [failInfo],
    statusString: expect.stringContaining(says),
  });
  expect(certificate).toBeUndefined();
  // RFC 9483 4.1.4: a PKCS #10 request has no certReqId, and -1 stands for that.
  const [first = sent] = earlier;
  if (response !== undefined) expect(response.certReqId).toBe(first.bodyType === 'p10cr' ? -1 : 0);
  expect(statusString).toMatch(/^[^\n\p{Cc}]{10,300}$/u);
  const [latest] = await eventsOf(test, 'request.refused');
  expect(await eventOf(test, isInner ? { requestId: latest?.id ?? '' } : outcome.answer)).toMatchObject({
    action: 'request.refused',
    outcome: 'refused',
    protocol: 'cmp',
    code,
  });
  expect(await countRecords(test)).toEqual(before);
  return outcome;
}
