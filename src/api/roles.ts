/** What each role may do. */
import { z } from 'zod';
import { permissions, permissionsOf, roleSchema, roles } from '../model/access.js';
import { defineOperation, type Operation } from './operation.js';

const roleDescription = z
  .strictObject({ role: roleSchema, permissions: z.array(z.enum(permissions)) })
  .meta({ id: 'RoleDescription' });

export function roleOperations(): readonly Operation[] {
  return [
    defineOperation({
      id: 'listRoles',
      method: 'get',
      path: '/roles',
      tag: 'Access',
      summary: 'List the roles, and what each may do',
      permission: undefined,
      status: 200,
      answer: z.strictObject({ items: z.array(roleDescription) }),
      handle: async () => ({
        value: { items: roles.map((role) => ({ role, permissions: [...permissionsOf[role]] })) },
      }),
    }),
  ];
}
