/** Users of the management API. */
import { z } from 'zod';
import { describeUser, newUserFields, type UserView, userSchema } from '../access/describe.js';
import { isListed, type Manager, readGrants } from '../access/grants.js';
import { changeOwnPassword } from '../access/own-password.js';
import { passwordSchema } from '../access/password.js';
import { type Scope, scopeOf } from '../access/principal.js';
import { addUserCertificate, removeUserCertificate } from '../access/user-certificates.js';
import { changeUser, createUser, deleteUser, getUser, setEnabled, setPassword } from '../access/users.js';
import { batchSize, fillPage } from '../catalog/fill-page.js';
import { GatewayError } from '../errors.js';
import { roleSchema } from '../model/access.js';
import { nameSchema } from '../model/label.js';
import type { UserRecord } from '../store/access-record.js';
import { namedPlaceOf } from '../store/named-order.js';
import { type ManagingCall, managerOf } from './managing-call.js';
import { defineOperation, type Operation } from './operation.js';
import { pageOf, pageQuery } from './page.js';
import type { ApiServices } from './services.js';
import { askedPage, namedPosition, sortBy, sortedPage } from './sorted-list.js';

const params = z.strictObject({ name: nameSchema });
const tag = 'Access';
const location = (name: string) => `/users/${name}`;
const forbidsMore = { 403: 'it would be, or is, more than the caller may do itself' } as const;
const lastOne = { 409: 'nobody would be left to administer the gateway' } as const;

export function userOperations(services: ApiServices): readonly Operation[] {
  const view = async (user: UserRecord): Promise<UserView> =>
    describeUser(user, await services.store.users.certificatesOf({ userId: user.id }));

  /** What a change begins with: the user as it is, if that is what the caller has seen. */
  async function readForChange(call: ChangeCall): Promise<{ readonly user: UserRecord; readonly manager: Manager }> {
    const user = await getUser(call.params.name, call.scope, services);
    call.requireMatch(await view(user));
    return { user, manager: managerOf(call) };
  }

  return [
    defineOperation({
      id: 'listUsers',
      method: 'get',
      path: '/users',
      tag,
      summary: 'List users',
      permission: 'access:read',
      status: 200,
      query: z.strictObject({
        ...pageQuery,
        enabled: z.enum(['true', 'false']).optional(),
        search: z.string().min(1).max(100).optional().describe('a part of the name or the display name'),
        role: roleSchema.optional().describe('who has this role, in whatever division'),
        sort: sortBy(['name', 'createdAt', 'updatedAt']).default('name'),
      }),
      answer: pageOf(userSchema),
      handle: async ({ query, scope }) => {
        const { enabled, search, role } = query;
        const { order, ...page } = askedPage(query, namedPosition);
        const filter = {
          order,
          ...(enabled === undefined ? {} : { enabled: enabled === 'true' }),
          ...(search === undefined ? {} : { search }),
        };
        const wish = {
          ...page,
          fits: ({ grants }: UserRecord) => isListed(readGrants(grants), scope, role),
          placeOf: (user: UserRecord) => namedPlaceOf(user, order),
        };
        const { items: found, next } = await fillPage(wish, async (after) => {
          const users = await services.store.users.list({ ...filter, ...(after ? { after } : {}), limit: batchSize });
          return { items: users, isEnd: users.length < batchSize };
        });
        return sortedPage(await Promise.all(found.map(view)), query.sort, next);
      },
    }),
    defineOperation({
      id: 'createUser',
      method: 'post',
      path: '/users',
      tag,
      summary: 'Make a user',
      description:
        'Nobody can give more rights than he has. A user without password authenticates with client certificates, or with API keys of its own.',
      permission: 'access:write',
      status: 201,
      refusals: { ...forbidsMore, 409: 'the name is taken' },
      body: z
        .strictObject({
          ...newUserFields,
          displayName: newUserFields.displayName.optional(),
          password: passwordSchema.optional(),
        })
        .meta({ id: 'NewUser' }),
      answer: userSchema,
      handle: async (call) => {
        const { displayName, password, ...given } = call.body;
        const user = await createUser(
          {
            ...given,
            ...(displayName === undefined ? {} : { displayName }),
            ...(password === undefined ? {} : { password }),
          },
          managerOf(call),
          services,
        );
        return { value: await view(user), location: location(user.name) };
      },
    }),
    defineOperation({
      id: 'getUser',
      method: 'get',
      path: '/users/{name}',
      tag,
      summary: 'Show a user',
      permission: 'access:read',
      status: 200,
      isTagged: true,
      params,
      answer: userSchema,
      handle: async ({ params: { name }, scope }) => ({ value: await view(await getUser(name, scope, services)) }),
    }),
    defineOperation({
      id: 'changeUser',
      method: 'patch',
      path: '/users/{name}',
      tag,
      summary: 'Change the display name or the rights of a user',
      permission: 'access:write',
      status: 200,
      isTagged: true,
      refusals: { ...forbidsMore, ...lastOne },
      params,
      body: z
        .strictObject({
          displayName: newUserFields.displayName.nullable().optional(),
          grants: newUserFields.grants.optional(),
        })
        .meta({ id: 'UserChanges' }),
      answer: userSchema,
      handle: async (call) => {
        const { user, manager } = await readForChange(call);
        const { displayName, grants } = call.body;
        const changes = { ...(displayName === undefined ? {} : { displayName }), ...(grants ? { grants } : {}) };
        return { value: await view(await changeUser(user, changes, manager, services)) };
      },
    }),
    ...(['enable', 'disable'] as const).map((action) =>
      defineOperation({
        id: `${action}User`,
        method: 'post',
        path: `/users/{name}/${action}`,
        tag,
        summary:
          action === 'enable' ? 'Let a disabled user in again' : 'Stop a user, with its API keys and certificates',
        permission: 'access:write',
        status: 200,
        isTagged: true,
        refusals: {
          ...forbidsMore,
          409: `it is ${action}d already, or nobody would be left to administer the gateway`,
        },
        params,
        answer: userSchema,
        handle: async (call) => {
          const { user, manager } = await readForChange(call);
          return { value: await view(await setEnabled(user, action === 'enable', manager, services)) };
        },
      }),
    ),
    defineOperation({
      id: 'deleteUser',
      method: 'delete',
      path: '/users/{name}',
      tag,
      summary: 'Delete a user, and revoke its API keys',
      permission: 'access:write',
      status: 204,
      isTagged: true,
      refusals: { ...forbidsMore, ...lastOne },
      params,
      handle: async (call) => {
        const { user, manager } = await readForChange(call);
        await deleteUser(user, manager, services);
        return {};
      },
    }),
    defineOperation({
      id: 'setUserPassword',
      method: 'post',
      path: '/users/{name}/password',
      tag,
      summary: 'Set a password',
      description: 'Whoever may change the user sets any; users set their own, with the current one.',
      permission: undefined,
      status: 204,
      refusals: forbidsMore,
      params,
      body: z
        .strictObject({ password: passwordSchema, current: z.string().max(255).optional() })
        .meta({ id: 'NewPassword' }),
      handle: async (call) => {
        const {
          principal,
          params: { name },
          body: { password, current },
        } = call;
        const scope = scopeOf(principal, 'access:write');
        const own = await services.store.users.findByName({ name });
        if (own && principal.person === `user:${own.id}`) {
          if (current === undefined)
            throw new GatewayError('forbidden', 'your own password is set with the current one');
          await changeOwnPassword(own, { current, password }, call, services);
          return {};
        }
        if (scope !== 'everywhere' && scope.size === 0) {
          throw new GatewayError(
            'forbidden',
            'only users with the permission access:write set the passwords of others',
          );
        }
        await setPassword(await getUser(name, scope, services), password, managerOf(call), services);
        return {};
      },
    }),
    defineOperation({
      id: 'addUserCertificate',
      method: 'post',
      path: '/users/{name}/certificates',
      tag,
      summary: 'Let a user authenticate with a client certificate',
      description:
        'This very certificate, whoever has issued it, as long as it is valid. The admin listener has to ask for certificates.',
      permission: 'access:write',
      status: 200,
      isTagged: true,
      refusals: { ...forbidsMore, 409: 'it is a user’s already, or the user has as many as there may be' },
      params,
      body: z.strictObject({ certificate: z.string().max(20_000).describe('PEM') }).meta({ id: 'NewUserCertificate' }),
      answer: userSchema,
      handle: async (call) => {
        const { user, manager } = await readForChange(call);
        return { value: await view(await addUserCertificate(user, call.body.certificate, manager, services)) };
      },
    }),
    defineOperation({
      id: 'removeUserCertificate',
      method: 'delete',
      path: '/users/{name}/certificates/{fingerprint}',
      tag,
      summary: 'Take a client certificate of a user back',
      permission: 'access:write',
      status: 204,
      isTagged: true,
      refusals: { ...forbidsMore, ...lastOne },
      params: z.strictObject({ name: nameSchema, fingerprint: z.string().regex(/^[0-9a-f]{64}$/) }),
      handle: async (call) => {
        const { user, manager } = await readForChange(call);
        await removeUserCertificate(user, call.params.fingerprint, manager, services);
        return {};
      },
    }),
  ];
}

interface ChangeCall extends ManagingCall {
  readonly params: { readonly name: string };
  readonly scope: Scope;
  requireMatch(current: unknown): void;
}
