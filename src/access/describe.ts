/** Users and API keys as the management API and the command line show them: without anything that lets somebody in. */
import { z } from 'zod';
import { grantSchema, grantsSchema } from '../model/access.js';
import { nameSchema } from '../model/label.js';
import { displayNameSchema } from '../model/user.js';
import type { UserCertificateRecord, UserRecord } from '../store/access-record.js';
import type { OwnedApiKeyRecord } from '../store/api-key-repository.js';
import { readGrants } from './grants.js';
import { judgeApiKey } from './verify-api-key.js';

const time = z.iso.datetime({ offset: true });

export const shownGrantsSchema = z.array(grantSchema).describe('roles, each in a division or, without one, everywhere');

export const userSchema = z
  .strictObject({
    name: nameSchema,
    displayName: z.string().optional(),
    grants: shownGrantsSchema,
    enabled: z.boolean(),
    hasPassword: z.boolean(),
    certificates: z.array(
      z.strictObject({
        fingerprint: z.string().describe('SHA-256 in lower-case hex'),
        subject: z.string(),
        notBefore: time,
        notAfter: time,
        addedAt: time,
      }),
    ),
    createdAt: time,
    updatedAt: time,
    lastSeenOn: z.iso.date().optional().describe('the day, in UTC, of the last request'),
  })
  .meta({ id: 'User' });
export type UserView = z.output<typeof userSchema>;

export function describeUser(user: UserRecord, certificates: readonly UserCertificateRecord[]): UserView {
  const { name, displayName, grants, enabled, password, createdAt, updatedAt, lastSeenAt } = user;
  return {
    name,
    ...(displayName === null ? {} : { displayName }),
    grants: [...readGrants(grants)],
    enabled: enabled === 1,
    hasPassword: password !== null,
    certificates: certificates.map(({ fingerprint, subject, notBefore, notAfter, addedAt }) => ({
      fingerprint,
      subject,
      notBefore: timeText(notBefore),
      notAfter: timeText(notAfter),
      addedAt: timeText(addedAt),
    })),
    createdAt: timeText(createdAt),
    updatedAt: timeText(updatedAt),
    // To the day, so that who edits a user is not told with every request of the user that it has changed.
    ...(lastSeenAt === null ? {} : { lastSeenOn: timeText(lastSeenAt).slice(0, 10) }),
  };
}

export const apiKeyStates = ['valid', 'disabled', 'expired', 'revoked'] as const;

export const apiKeySchema = z
  .strictObject({
    name: nameSchema,
    prefix: z.string().describe('what the key begins with'),
    grants: shownGrantsSchema,
    owner: z.string().optional().describe('the user whose key it is: it stops with the user, and is never worth more'),
    state: z.enum(apiKeyStates).describe('disabled: its user is disabled or deleted'),
    createdBy: z.string(),
    createdAt: time,
    expiresAt: time.optional(),
    lastUsedAt: time.optional().describe('to the minute'),
    revokedAt: time.optional(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.output<typeof apiKeySchema>;

export function describeApiKey(record: OwnedApiKeyRecord, at: Date): ApiKeyView {
  const { name, prefix, grants, ownerName, createdBy, createdAt, expiresAt, lastUsedAt, revokedAt } = record;
  return {
    name,
    prefix,
    grants: [...readGrants(grants)],
    ...(ownerName === null ? {} : { owner: ownerName }),
    state: judgeApiKey(record, at).state,
    createdBy,
    createdAt: timeText(createdAt),
    ...(expiresAt === null ? {} : { expiresAt: timeText(expiresAt) }),
    ...(lastUsedAt === null ? {} : { lastUsedAt: timeText(lastUsedAt) }),
    ...(revokedAt === null ? {} : { revokedAt: timeText(revokedAt) }),
  };
}

export const newUserFields = {
  name: nameSchema,
  displayName: displayNameSchema,
  grants: grantsSchema.describe('roles, each in a division or, without one, everywhere'),
} as const;

/** RFC 3339. */
function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
