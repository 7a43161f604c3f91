/** newAuthz, and authorizations as they are shown and given up (RFC 8555 7.4.1, 7.5, 7.5.2). */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import type { Answer } from './answer.js';
import { orderProblem } from './authorization-outcome.js';
import { authorizationAnswer, authorizationStatus, findAuthorization, identifierOf } from './authorization-state.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { baseOf, identifierSchema, readIdentifiers } from './identifiers.js';
import { makeAuthorization, requireChallenges } from './make-authorizations.js';
import { readPayload } from './payload.js';
import { AcmeError } from './problem.js';
import { limitPending } from './rate-limits.js';
import { recorded } from './recorded.js';
import { requireNames } from './require-names.js';
import { withdrawOrders } from './withdraw-orders.js';

export const newAuthorization = recorded(
  'newAuthz',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    const { identifier } = readPayload(newAuthorizationSchema, request.payload);
    const identifiers = readIdentifiers([identifier]);
    const [wanted] = identifiers;
    if (wanted === undefined || baseOf(wanted).isWildcard) {
      throw new AcmeError('rejectedIdentifier', 'a wildcard cannot be authorized beforehand; order it', {
        status: 403,
      });
    }
    requireChallenges(identifiers, request);
    await limitPending(request, context);
    await requireNames({ identifiers }, request, context);
    const record = await makeAuthorization(wanted, request, context);
    await context.services.commit([context.authorizations.insert(record)]);
    const { urls } = request;
    return {
      status: 201,
      location: urls.authorization(record.id),
      ...authorizationAnswer(record, urls, context.services.clock.now().getTime()),
    };
  },
);

export const authorization = recorded(
  'authorization',
  async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
    if (request.payload !== undefined) {
      readPayload(deactivationSchema, request.payload);
      await deactivate(request, context);
    }
    const record = await findAuthorization(request, context);
    return { status: 200, ...authorizationAnswer(record, request.urls, context.services.clock.now().getTime()) };
  },
);

const newAuthorizationSchema = z.object({ identifier: identifierSchema });
const deactivationSchema = z.object({ status: z.literal('deactivated') });

/** How often it starts over when a validation has changed the authorization that it had read. */
const maximumAttempts = 4;

async function deactivate(request: AccountRequest, context: AcmeContext): Promise<void> {
  const { services, authorizations, orders } = context;
  for (let attempt = 1; ; attempt++) {
    const record = await findAuthorization(request, context);
    const status = authorizationStatus(record, services.clock.now().getTime());
    const problem = orderProblem(record, new AcmeError('unauthorized', 'its authorization was deactivated'));
    // Also for one that was deactivated by a message that came no further.
    const end = async () =>
      await withdrawOrders(await orders.waitingFor({ authorizationId: record.id }), problem, request, context);
    if (status === 'deactivated') return await end();
    if (status !== 'pending' && status !== 'valid') {
      throw new AcmeError('malformed', `the authorization is ${status}: there is nothing to give up`);
    }
    const { id, challenges, attestedKey, attestedBy, expiresAt, revision: from } = record;
    const progress = { id, challenges, attestedKey, attestedBy, expiresAt, from };
    const { accountId: account, policy } = record;
    const details = { account, policy, identifier: identifierOf(record) };
    try {
      await services.commit(
        [
          authorizations.proceed({ ...progress, status: 'deactivated', validateAt: null }),
          orders.failOfAuthorization({ authorizationId: id, error: JSON.stringify(problem) }),
        ],
        [{ action: 'authorization.deactivated', outcome: 'success', subject: id, details }],
      );
      return await end();
    } catch (error) {
      const isOvertaken = error instanceof GatewayError && error.code === 'invalid-state';
      if (!isOvertaken || attempt === maximumAttempts) throw error;
    }
  }
}
