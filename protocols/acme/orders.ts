/** newOrder, and orders as they are shown (RFC 8555 7.4). */
import { z } from 'zod';
import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import type { PolicyView } from '../../src/policy-view.js';
import type { Answer } from './answer.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { findCurrentOrder } from './find-order.js';
import { identifierSchema, readIdentifiers } from './identifiers.js';
import { findReusable, makeAuthorization, requireChallenges } from './make-authorizations.js';
import { orderAnswer, orderStatus } from './order-state.js';
import { readPayload } from './payload.js';
import { AcmeError } from './problem.js';
import { limitOrders, limitPending } from './rate-limits.js';
import { recorded } from './recorded.js';
import { alreadyReplaced, requireReplaceable } from './replaced-certificate.js';
import { requireNames } from './require-names.js';
import type { AuthorizationRecord } from './store/authorizations.js';
import type { OrderRecord, OrderWrite } from './store/orders.js';

export const newOrder = recorded('newOrder', async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
  const payload = readPayload(orderSchema, request.payload);
  const identifiers = readIdentifiers(payload.identifiers);
  const validity = readValidity(payload, context.services.clock.now().getTime());
  const profile = selectProfile(payload.profile, request.policy);
  requireChallenges(identifiers, request);
  await limitOrders(request, context);
  await limitPending(request, context);
  const { replaces } = payload;
  const room = replaces === undefined ? [] : await requireReplaceable(replaces, identifiers, request, context);

  const reusable = await Promise.all(identifiers.map((each) => findReusable(each, request, context)));
  const held = reusable.filter((each) => each !== undefined);
  await requireNames(
    { identifiers, held, ...validity, ...(profile === undefined ? {} : { profile }) },
    request,
    context,
  );
  const authorizations = await Promise.all(
    identifiers.map(async (each, i) => reusable[i] ?? (await makeAuthorization(each, request, context))),
  );

  const now = context.services.clock.now().getTime();
  const record: OrderRecord = {
    id: createIdentifier(now),
    accountId: request.account.id,
    label: request.label,
    status: 'open',
    identifiers: JSON.stringify(identifiers),
    ...validity,
    profile: profile ?? null,
    replaces: replaces ?? null,
    error: null,
    certificate: null,
    requestId: null,
    createdAt: now,
    expiresAt: now + request.policy.acme.orderLifetime * 1000,
  };
  const made = authorizations.filter((each) => !held.includes(each));
  await commitOrder([...room, ...orderStatements(record, authorizations, made, context)], context);
  const order = { record, authorizations, status: orderStatus(record, authorizations, now) };
  return { ...orderAnswer(order, request.urls), status: 201 };
});

export const showOrder = recorded('order', async (request: AccountRequest, context: AcmeContext): Promise<Answer> => {
  const { location: _, ...answer } = orderAnswer(await findCurrentOrder(request, context), request.urls);
  return answer;
});

/** RFC 3339, which has no times without a zone. */
const timeSchema = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const orderSchema = z.object({
  identifiers: z.array(identifierSchema).min(1),
  notBefore: timeSchema.optional(),
  notAfter: timeSchema.optional(),
  profile: z.string().max(200).optional(),
  replaces: z.string().max(200).optional(),
});

type Validity = Pick<OrderRecord, 'notBefore' | 'notAfter'>;

function readValidity(payload: z.output<typeof orderSchema>, now: number): Validity {
  const notBefore = payload.notBefore ?? null;
  const notAfter = payload.notAfter ?? null;
  if (notAfter !== null && notAfter <= Math.max(now, notBefore ?? now)) {
    throw new AcmeError('malformed', '"notAfter" must be later than the present and than "notBefore"');
  }
  return { notBefore, notAfter };
}

/** The first that the policy offers is that of clients that do not choose (draft-ietf-acme-profiles). */
function selectProfile(wanted: string | undefined, { profiles }: PolicyView): string | undefined {
  if (wanted === undefined) return profiles[0]?.name;
  if (profiles.some(({ name }) => name === wanted)) return wanted;
  const names = profiles.map(({ name }) => name).join(', ');
  throw new AcmeError('invalidProfile', `there is no such profile; this policy offers ${names || 'none'}`);
}

function orderStatements(
  record: OrderRecord,
  authorizations: readonly AuthorizationRecord[],
  made: readonly AuthorizationRecord[],
  context: AcmeContext,
): OrderWrite[] {
  const { orders, authorizations: store } = context;
  return [
    orders.insert(record),
    ...made.map((each) => store.insert(each)),
    ...authorizations.map(({ id }, position) =>
      orders.insertAuthorization({ orderId: record.id, position, authorizationId: id }),
    ),
  ];
}

async function commitOrder(statements: readonly OrderWrite[], { services }: AcmeContext): Promise<void> {
  try {
    await services.commit(statements);
  } catch (error) {
    // One that replaces the same certificate was first.
    const isTaken =
      error instanceof GatewayError && (error.code === 'duplicate-request' || error.code === 'invalid-state');
    throw isTaken ? alreadyReplaced() : error;
  }
}
