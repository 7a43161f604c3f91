/** Responses to challenges (RFC 8555 7.5.1). */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import { type Answer, link } from './answer.js';
import {
  authorizationStatus,
  challengeObject,
  findAuthorization,
  readChallenges,
  retryAfterOf,
} from './authorization-state.js';
import type { Challenge, ChallengeResponse } from './challenge.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { attest } from './device-attestation.js';
import { readPayload } from './payload.js';
import { AcmeError } from './problem.js';
import { notFound, recorded } from './recorded.js';
import type { AuthorizationRecord } from './store/authorizations.js';

export const challenge = recorded(
  'challenge',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    if (request.payload !== undefined) {
      readPayload(responseSchema, request.payload);
      await respond(request, context);
    }
    const { record, found } = await findChallenge(request, context);
    const retryAfter = retryAfterOf(found, record, context.services.clock.now().getTime());
    return {
      status: 200,
      json: challengeObject(found, record.id, request.urls),
      links: [link(request.urls.authorization(record.id), 'up')],
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  },
);

const responseSchema = z.object({});

interface Found {
  readonly record: AuthorizationRecord;
  readonly found: Challenge;
}

async function findChallenge(request: AccountRequest, context: AcmeContext): Promise<Found> {
  const record = await findAuthorization(request, context);
  const { type } = request.exchange.params;
  const found = readChallenges(record.challenges).find((each) => each.type === type);
  if (found === undefined) throw notFound('challenge');
  return { record, found };
}

async function respond(request: AccountRequest, context: AcmeContext): Promise<void> {
  const { record, found } = await findChallenge(request, context);
  const now = context.services.clock.now().getTime();
  // The end of it is the answer to whoever comes later.
  if (found.status === 'valid' || found.status === 'invalid') return;
  requireOpen(record, found, request, now);
  if (found.isUnderWay === true && (record.validateAt ?? 0) > now) return;
  const { account, kid: accountUrl } = request;
  const response: ChallengeResponse = {
    keyAuthorization: `${found.token}.${account.keyThumbprint}`,
    accountUrl,
    network: account.network,
  };
  const responded = { record, type: found.type };
  if (found.type !== 'device-attest-01') return await context.validations.begin(responded, response);
  try {
    await attest(responded, response, request, context);
  } catch (error) {
    // A parallel response was first.
    if (!(error instanceof GatewayError && error.code === 'invalid-state')) throw error;
  }
}

function requireOpen(record: AuthorizationRecord, found: Challenge, { policy }: AccountRequest, now: number): void {
  const status = authorizationStatus(record, now);
  if (status !== 'pending') throw new AcmeError('malformed', `the authorization is ${status}; make a new order`);
  if (!policy.acme.challenges.includes(found.type)) {
    throw new AcmeError('unauthorized', `the policy no longer offers ${found.type}; make a new order`);
  }
  const others = readChallenges(record.challenges).filter(({ type }) => type !== found.type);
  const busy = others.find((each) => each.status === 'processing');
  if (busy !== undefined) {
    throw new AcmeError('malformed', `${busy.type} of the same authorization is being validated; wait for its end`);
  }
}
