/** What a request does to the credentials that authenticate it, and what has to be true of them still. */
import { GatewayError } from '../errors.js';
import type { UsedCredential } from '../policy/identity.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

/** Counts a use, unless that was done before: then the credential only has to be good still. */
export function useStatements(credential: UsedCredential, now: Date, store: Store): readonly Statement[] {
  const { id, kind, isCounted } = credential;
  if (isCounted || kind === 'api-key' || kind === 'operator') return unrevokedStatements(credential, store);
  return [store.credentials.consume({ id, now: now.getTime() })];
}

/** Refuse the change if the credential was revoked. Who has let an operator in has asked that a moment ago. */
export function unrevokedStatements({ id, kind }: UsedCredential, store: Store): readonly Statement[] {
  if (kind === 'operator') return [];
  return [kind === 'api-key' ? store.apiKeys.requireUnrevoked({ id }) : store.credentials.requireUnrevoked({ id })];
}

/** @throws GatewayError `invalid-state` for one that was revoked while its request waited */
export async function requireUnrevokedSince(credential: UsedCredential, store: Store): Promise<void> {
  if (!(await isRevoked(credential, store))) return;
  throw new GatewayError(
    'invalid-state',
    `the credential ${credential.name} that the request was made with has been revoked since; reject the request`,
  );
}

async function isRevoked({ id, kind }: UsedCredential, store: Store): Promise<boolean> {
  if (kind === 'api-key') return await isApiKeyRevoked(id, store);
  if (kind !== 'operator') {
    const record = await store.credentials.findById({ id });
    return record === undefined || record.revokedAt !== null;
  }
  const [, noun, managerId = ''] = /^(user|api-key):(.+)$/.exec(id) ?? [];
  if (noun === 'user') return (await store.users.findById({ id: managerId }))?.enabled !== 1;
  return noun === 'api-key' && (await isApiKeyRevoked(managerId, store));
}

async function isApiKeyRevoked(id: string, { apiKeys }: Store): Promise<boolean> {
  const record = await apiKeys.findById({ id });
  if (record === undefined || record.revokedAt !== null) return true;
  return record.owner !== null && record.ownerEnabled !== 1;
}
