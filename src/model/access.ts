/** Roles of people and programs that manage the gateway, what each may do, and where. */
import { z } from 'zod';
import { nameSchema } from './label.js';

export const permissions = [
  /** Divisions, groups, policies, profiles, templates and certificate authorities. */
  'configuration:read',
  'configuration:write',
  'credential:read',
  'credential:write',
  'device:read',
  'device:register',
  /** Change, suspend, resume, retire and move. */
  'device:write',
  'certificate:read',
  /** Also by a batch, and over REST enrollment with an API key. */
  'certificate:request',
  /** Revoke, hold and release. */
  'certificate:revoke',
  'certificate:renew',
  'request:read',
  'request:decide',
  /** A job needs the permission for what it does, besides. */
  'job:read',
  'job:write',
  /** Keys and certificates of CAs: import, roll over, revoke. */
  'authority:operate',
  /** Users and API keys. */
  'access:read',
  'access:write',
  'audit:read',
  /** Figures of the whole gateway. */
  'system:read',
] as const;
export type Permission = (typeof permissions)[number];

export const roles = [
  'solution-administrator',
  'device-administrator',
  'device-creator',
  'auditor',
  'artifact-manager',
  'approver',
] as const;
export const roleSchema = z.enum(roles);
export type Role = (typeof roles)[number];

const reading = permissions.filter((permission) => permission.endsWith(':read'));

export const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  'solution-administrator': permissions,
  'device-administrator': [
    'configuration:read',
    'credential:read',
    'credential:write',
    'device:read',
    'device:register',
    'device:write',
    'certificate:read',
    'certificate:request',
    'certificate:revoke',
    'certificate:renew',
    'request:read',
    'job:read',
    'job:write',
  ],
  'device-creator': [
    'configuration:read',
    'device:read',
    'device:register',
    'certificate:read',
    'certificate:request',
    'job:read',
    'job:write',
  ],
  auditor: reading,
  'artifact-manager': ['configuration:read', 'configuration:write', 'credential:read', 'certificate:read'],
  approver: ['configuration:read', 'device:read', 'certificate:read', 'request:read', 'request:decide'],
};

/** A role, in one division or, where none is named, in all of them and for what belongs to none. */
export const grantSchema = z.strictObject({ role: roleSchema, division: nameSchema.optional() });
export type Grant = z.output<typeof grantSchema>;

/** Of a user or an API key; who is to have no rights any more is disabled. */
export const grantsSchema = z.array(grantSchema).min(1).max(100);
