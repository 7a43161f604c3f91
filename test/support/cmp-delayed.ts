/** What rr and genm are answered while people have not approved them yet (RFC 9483 4.4), and what people do. */
import { expect } from '@jest/globals';
import { type ApprovalResult, approveRequest } from '../../src/enrollment/approve.js';
import type { CmpOutcome } from './cmp/outcome.js';
import { by } from './operator.js';
import type { TestGateway } from './test-gateway.js';

export function expectWaiting({ status, body, pkiStatus, failInfo }: CmpOutcome): void {
  expect({ status, type: body?.type, pkiStatus, failInfo }).toEqual({
    status: 200,
    type: 'error',
    pkiStatus: 'waiting',
    failInfo: [],
  });
}

export function expectPollRep({ body, answer }: CmpOutcome, checkAfter = 30): void {
  expect(answer.status).toBe(200);
  expect(body).toMatchObject({ type: 'pollRep', polls: [{ certReqId: -1, checkAfter }] });
}

/** As `gatehouse request approve` does. */
export function approve({ gateway }: TestGateway, requestId: string, as = 'alice'): Promise<ApprovalResult> {
  return approveRequest(requestId, by(as), gateway.core);
}
