/** Refusals in a CertRep (RFC 8894 3.2.1.4), and what the gateway has on record of them. */
import { expect } from '@jest/globals';
import type { ErrorCode } from '../../src/errors.js';
import { eventOf } from './records.js';
import type { ScepOutcome } from './scep-client.js';
import type { FailInfo } from './scep-identifiers.js';
import type { TestGateway } from './test-gateway.js';

export interface ScepRefusal {
  readonly failInfo: FailInfo;
  readonly code: ErrorCode;
  /** A part of the sentence. */
  readonly says?: string;
}

/** Expects FAILURE with one plain sentence that names the reason, and its audit event. */
export async function expectFailure(
  test: TestGateway,
  { answer, reply }: ScepOutcome,
  { failInfo, code, says = '' }: ScepRefusal,
): Promise<void> {
  expect({ status: answer.status, ...reply }).toMatchObject({
    status: 200,
    pkiStatus: 'FAILURE',
    failInfo,
    failInfoText: expect.stringContaining(says),
  });
  expect(reply?.failInfoText).toMatch(/^[^\n\p{Cc}]{10,300}$/u);
  expect(await eventOf(test, answer)).toMatchObject({
    action: 'request.refused',
    outcome: 'refused',
    protocol: 'scep',
    code,
    reason: expect.stringContaining(reply?.failInfoText ?? ''),
  });
}
