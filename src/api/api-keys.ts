/** API keys of the management API. */
import { z } from 'zod';
import { createApiKey, getApiKey, revokeApiKey } from '../access/api-keys.js';
import { apiKeySchema, apiKeyStates, describeApiKey, newUserFields } from '../access/describe.js';
import { isListed, readGrants } from '../access/grants.js';
import { batchSize, fillPage } from '../catalog/fill-page.js';
import { roleSchema } from '../model/access.js';
import { nameSchema } from '../model/label.js';
import type { OwnedApiKeyRecord } from '../store/api-key-repository.js';
import { namedPlaceOf } from '../store/named-order.js';
import { managerOf } from './managing-call.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, namedPosition, sortBy, sortedPage } from './sorted-list.js';

const params = z.strictObject({ name: nameSchema });
const tag = 'Access';

export function apiKeyOperations(services: ApiServices): readonly Operation[] {
  const { store, clock } = services;
  return [
    defineOperation({
      id: 'listApiKeys',
      method: 'get',
      path: '/api-keys',
      tag,
      summary: 'List API keys',
      permission: 'access:read',
      status: 200,
      query: z.strictObject({
        ...pageQuery,
        state: z.enum(apiKeyStates).optional(),
        owner: nameSchema.optional().describe('name of a user'),
        search: z.string().min(1).max(100).optional().describe('a part of the name'),
        role: roleSchema.optional().describe('those with this role, in whatever division'),
        sort: sortBy(['name', 'createdAt']).default('name'),
      }),
      answer: pageOf(apiKeySchema),
      handle: async ({ query, scope }) => {
        const { state, owner, search, role } = query;
        const user = owner === undefined ? undefined : await store.users.findByName({ name: owner });
        if (owner !== undefined && user === undefined) return { value: { items: [] } };
        const now = clock.now();
        const { order, ...page } = askedPage(query, namedPosition);
        const filter = {
          order,
          ...(state === undefined ? {} : { state: { is: state, at: now.getTime() } }),
          ...(user ? { owner: user.id } : {}),
          ...(search === undefined ? {} : { search }),
        };
        const wish = {
          ...page,
          fits: ({ grants }: OwnedApiKeyRecord) => isListed(readGrants(grants), scope, role),
          placeOf: (key: OwnedApiKeyRecord) => namedPlaceOf(key, order),
        };
        const { items: found, next } = await fillPage(wish, async (after) => {
          const keys = await store.apiKeys.list({ ...filter, ...(after ? { after } : {}), limit: batchSize });
          return { items: keys, isEnd: keys.length < batchSize };
        });
        const items = found.map((record) => describeApiKey(record, now));
        return sortedPage(items, query.sort, next);
      },
    }),
    defineOperation({
      id: 'createApiKey',
      method: 'post',
      path: '/api-keys',
      tag,
      summary: 'Make an API key',
      description: 'The answer has the key, which is shown this once. Nobody can give more rights than he has.',
      permission: 'access:write',
      status: 201,
      refusals: { 403: 'it may do more than the caller, or its owner', 409: 'there is, or was, a key of this name' },
      body: z
        .strictObject({
          name: newUserFields.name,
          grants: newUserFields.grants,
          owner: nameSchema
            .optional()
            .describe('the user whose key it is: it stops with the user, and is never worth more'),
          expiresAt: z.iso.datetime({ offset: true }).optional(),
        })
        .meta({ id: 'NewApiKey' }),
      answer: apiKeySchema.extend({ key: z.string() }).meta({ id: 'MadeApiKey' }),
      handle: async (call) => {
        const { name, grants, owner, expiresAt } = call.body;
        const { record, key } = await createApiKey(
          {
            name,
            grants,
            ...(owner === undefined ? {} : { owner }),
            ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
          },
          managerOf(call),
          services,
        );
        return { value: { ...describeApiKey(record, clock.now()), key }, location: `/api-keys/${name}` };
      },
    }),
    defineOperation({
      id: 'getApiKey',
      method: 'get',
      path: '/api-keys/{name}',
      tag,
      summary: 'Show an API key, without the key itself',
      permission: 'access:read',
      status: 200,
      params,
      answer: apiKeySchema,
      handle: async ({ params: { name }, scope }) => ({
        value: describeApiKey(await getApiKey(name, scope, services), clock.now()),
      }),
    }),
    defineOperation({
      id: 'revokeApiKey',
      method: 'post',
      path: '/api-keys/{name}/revoke',
      tag,
      summary: 'Revoke an API key',
      description:
        'From the next request on. Requests that it has made and that wait for approval cannot be approved any more.',
      permission: 'access:write',
      status: 200,
      refusals: {
        403: 'it may do more than the caller',
        409: 'it is revoked already, or nobody would be left to administer the gateway',
      },
      params,
      answer: apiKeySchema,
      handle: async (call) => {
        const record = await getApiKey(call.params.name, call.scope, services);
        return { value: describeApiKey(await revokeApiKey(record, managerOf(call), services), clock.now()) };
      },
    }),
  ];
}
