/** Refusals in ACME (RFC 8555 6.7), and what the gateway has on record of them. */
import { expect } from '@jest/globals';
import type { ErrorCode } from '../../src/errors.js';
import { type Problem, problemUrn, readProblem } from './acme/objects.js';
import type { AcmeAnswer } from './acme/transport.js';
import type { AcmeFleet } from './acme-fleet.js';
import { countRecords, eventOf } from './records.js';

export interface AcmeRefusal {
  readonly status: number;
  /** Such as `badCSR`. */
  readonly type: string;
  /** Of the audit event; there is none of a nonce that is stale. */
  readonly code: ErrorCode;
  /** A part of the sentence. */
  readonly says?: string;
}

/** Expects a problem document of one plain sentence, the headers of every answer and an audit event, and that nothing comes of it. */
export async function expectProblem(
  { test }: Pick<AcmeFleet, 'test'>,
  send: () => Promise<AcmeAnswer>,
  { status, type, code, says = '' }: AcmeRefusal,
): Promise<{ answer: AcmeAnswer; problem: Problem }> {
  const before = await countRecords(test);
  const answer = await send();
  const problem = readProblem(answer);
  expect({ httpStatus: answer.status, ...problem }).toMatchObject({
    httpStatus: status,
    status,
    type: problemUrn(type),
    detail: expect.stringContaining(says),
  });
  expect(problem.detail).toMatch(/^[^\n\p{Cc}]{10,500}$/u);
  expectUsualHeaders(answer);
  const event = await eventOf(test, { requestId: requestIdOf(answer) });
  if (code === 'stale-message') expect(event).toBeUndefined();
  else expect(event).toMatchObject({ action: 'request.refused', outcome: 'refused', protocol: 'acme', code });
  expect(await countRecords(test)).toEqual(before);
  return { answer, problem };
}

/** RFC 8555 6.1, 6.5, 7.1: of every answer that is not for anybody to keep. */
export function expectUsualHeaders({ headers, links, nonce }: AcmeAnswer): void {
  expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(links).toContainEqual({ relation: 'index', url: expect.stringMatching(/^https:.*\/acme\/[^/]+\/directory$/) });
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' });
}

export function requestIdOf({ headers }: Pick<AcmeAnswer, 'headers'>): string {
  return String(headers['x-request-id'] ?? '');
}
