/** Requests that wait for people, over the management API. */
import { z } from 'zod';
import { listRequests } from '../certificates/list-requests.js';
import { openStates, requestJson, requestSchema, requireVisibleRequest } from '../certificates/requests.js';
import { requestStory, storyEventJson, storyEventSchema } from '../certificates/story.js';
import { approveRequest, rejectRequest } from '../enrollment/approve.js';
import { nameSchema } from '../model/label.js';
import { methodSchema } from '../model/protocol-name.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, sortBy, sortedPage } from './sorted-list.js';

const params = z.strictObject({ id: z.string().max(100).describe('the X-Request-Id that the client saw') });

const placeSchema = z.strictObject({ at: z.int(), requestId: z.string().max(100) });

const text = z.string().min(1).max(255).optional();

const decisionSchema = z.strictObject({
  comment: z
    .string()
    .min(1)
    .max(500)
    .refine((text) => !/\p{Cc}/u.test(text), 'a comment has no control characters')
    .optional()
    .describe('why; the device is told what is said with a rejection'),
});

const storySchema = z
  .strictObject({
    request: requestSchema,
    trace: z
      .array(z.strictObject({ rule: z.string(), outcome: z.string(), said: z.string() }).meta({ id: 'TraceEntry' }))
      .describe('every rule that ran when it came, what it said, and why it waits'),
    events: z.array(storyEventSchema).describe('oldest first'),
  })
  .meta({ id: 'RequestStory' });

export function requestOperations(services: ApiServices): readonly Operation[] {
  const decide = {
    tag: 'Requests',
    method: 'post',
    status: 200,
    params,
    body: decisionSchema,
    answer: requestSchema,
  } as const;
  return [
    defineOperation({
      id: 'listRequests',
      method: 'get',
      path: '/requests',
      tag: 'Requests',
      summary: 'List requests that wait for people, or that people have decided',
      description:
        'Those that were answered are certificates. What people have decided is kept for a day or so, and in the audit log. A page looks at 10,000 requests at most, with `device` or `search` at 2000: it may be short, or empty, and still have a `next`.',
      permission: 'request:read',
      status: 200,
      query: z.strictObject({
        ...pageQuery,
        state: z.enum(openStates).default('pending'),
        policy: nameSchema.optional(),
        division: nameSchema.optional(),
        group: nameSchema.optional().describe('the device group that the label named'),
        protocol: methodSchema.optional(),
        device: text.describe('the whole name of the device that it is about, registered or not'),
        search: text.describe('a part of the subject or of a subject alternative name, in upper or lower case'),
        sort: sortBy(['createdAt', 'updatedAt']).default('createdAt'),
      }),
      answer: pageOf(requestSchema),
      handle: async ({ query, scope }) => {
        const { state, policy, division, group, protocol, device, search } = query;
        const { order, ...page } = askedPage(query, () => placeSchema);
        const wanted = {
          scope,
          state,
          order,
          ...(policy === undefined ? {} : { policy }),
          ...(division === undefined ? {} : { division }),
          ...(group === undefined ? {} : { groupName: group }),
          ...(protocol === undefined ? {} : { protocol }),
          ...(device === undefined ? {} : { device }),
          ...(search === undefined ? {} : { search }),
        };
        const { requests, next } = await listRequests(wanted, page, services);
        const items = await Promise.all(requests.map((transaction) => requestJson(transaction, services)));
        return sortedPage(items, query.sort, next);
      },
    }),
    defineOperation({
      id: 'getRequest',
      method: 'get',
      path: '/requests/{id}',
      tag: 'Requests',
      summary: 'Show a request',
      permission: 'request:read',
      status: 200,
      isTagged: true,
      params,
      answer: requestSchema,
      handle: async (call) => ({ value: await current(call, services) }),
    }),
    defineOperation({
      id: 'getRequestStory',
      method: 'get',
      path: '/requests/{id}/story',
      tag: 'Requests',
      summary: 'Tell why a request waits, who has decided what, and what came of it',
      permission: 'request:read',
      status: 200,
      params,
      answer: storySchema,
      handle: async (call) => {
        const { id } = call.params;
        const transaction = await requireVisibleRequest(id, call.scope, services);
        const events = await requestStory(id, transaction, services);
        return {
          value: {
            request: await requestJson(transaction, services),
            trace: JSON.parse(transaction.trace),
            events: events.map(storyEventJson),
          },
        };
      },
    }),
    defineOperation({
      ...decide,
      id: 'approveRequest',
      path: '/requests/{id}/approve',
      summary: 'Approve a request',
      description:
        'It is judged again, by the rules of now, and the certificate issued, or the revocation carried out: the device gets its answer when it asks again. Where the policy wants two people, the second has to be another one, and neither the one who has made the request.',
      permission: 'request:decide',
      isTagged: true,
      refusals: { 409: 'it is not pending, or this person has approved it before' },
      handle: async (call) => {
        call.requireMatch(await current(call, services));
        await approveRequest(call.params.id, decisionOf(call), services);
        return { value: await current(call, services) };
      },
    }),
    defineOperation({
      ...decide,
      id: 'rejectRequest',
      path: '/requests/{id}/reject',
      summary: 'Reject a request; the device is told why',
      permission: 'request:decide',
      isTagged: true,
      refusals: { 409: 'it is not pending' },
      handle: async (call) => {
        call.requireMatch(await current(call, services));
        await rejectRequest(call.params.id, decisionOf(call), services);
        return { value: await current(call, services) };
      },
    }),
  ];
}

type RequestCall = Pick<Call<z.output<typeof params>, unknown, z.output<typeof decisionSchema>>, 'params' | 'scope'>;

async function current({ params: { id }, scope }: RequestCall, services: ApiServices) {
  return await requestJson(await requireVisibleRequest(id, scope, services), services);
}

function decisionOf({ actor, body }: Pick<Call<unknown, unknown, z.output<typeof decisionSchema>>, 'actor' | 'body'>) {
  return { actor, ...(body.comment === undefined ? {} : { comment: body.comment }) };
}
