/** popdecr (RFC 9810 5.2.8.3.3): who has read the number of the popdecc has the private key. */

import { timingSafeEqual } from 'node:crypto';
import { GatewayError, isRefusal } from '../../src/errors.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeChallengeResponses } from './asn1/challenge.js';
import { readWish } from './certificate-request.js';
import { type CertificateWish, enroll } from './enrollment.js';
import { CmpError } from './errors.js';
import { findOperation, firstRequest, proceedStatement } from './operation.js';
import { rejection } from './rejection.js';
import type { Answer, Ask, CmpRequest } from './request.js';
import type { TransactionRecord } from './store.js';

/** One answer ends the challenge, whatever it is: there is nothing to try. @throws GatewayError */
export async function readChallengeResponse(request: CmpRequest): Promise<Ask> {
  const { services, policy, now } = request;
  const record = await findOperation(request);
  const { state, challenge: number, createdAt } = record;
  const begun = firstRequest(request, record);
  if (state !== 'challenged' || number === null || begun === undefined) {
    throw new CmpError('badRequest', 'nothing of this operation waits for a popdecr', 'invalid-state');
  }
  if (now.getTime() > createdAt + policy.cmp.confirmWait * 1000) {
    throw new CmpError('badRequest', 'the challenge was not answered in time', 'invalid-state');
  }
  const answers = decoding('the body', () => decodeChallengeResponses(request.message.body));
  if (!isAnswer(answers, number)) {
    await services.commit([proceedStatement(request, record, ended)]);
    throw new GatewayError('invalid-proof-of-possession', 'the answer to the challenge is wrong');
  }
  const wish = await readWish(begun);
  return () => finish(begun, wish, record);
}

const ended = { state: 'closed', message: null, challenge: null } as const;

function isAnswer([answer = '', ...others]: readonly string[], number: string): boolean {
  const given = Buffer.from(answer);
  const expected = Buffer.from(number);
  return others.length === 0 && given.length === expected.length && timingSafeEqual(given, expected);
}

async function finish(request: CmpRequest, wish: CertificateWish, record: TransactionRecord): Promise<Answer> {
  try {
    return await enroll(request, wish, record);
  } catch (error) {
    // The refusal of the request, which has had its one challenge.
    if (!isRefusal(error)) throw error;
    await request.services.commit([proceedStatement(request, record, ended)]);
    return rejection(wish.answerType, error, wish.certReqId);
  }
}
