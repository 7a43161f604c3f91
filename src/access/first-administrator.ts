/** The API key that a first start makes: the way in for the first person, who makes the others. */

import { lookupOf } from './api-key-text.js';
import { recordApiKey } from './api-keys.js';
import { everything, type Manager } from './grants.js';
import type { AccessServices } from './services.js';
import { judgeApiKey } from './verify-api-key.js';

export const firstAdministratorName = 'first-administrator';

/** Whether nobody has ever been let in: then a start makes the first key. */
export async function needsFirstAdministrator({ store }: Pick<AccessServices, 'store'>): Promise<boolean> {
  const [key] = await store.apiKeys.list({ limit: 1 });
  const [user] = await store.users.list({ limit: 1 });
  return key === undefined && user === undefined;
}

/** Records the key. @throws GatewayError `duplicate-request` where another process was first */
export async function recordFirstAdministrator(key: string, services: AccessServices): Promise<void> {
  await recordApiKey(key, { name: firstAdministratorName, grants: everything }, start, services);
}

/** Whether a key lets anybody in. */
export async function isInUse(key: string, { store, clock }: AccessServices): Promise<boolean> {
  const record = await store.apiKeys.findByLookup({ lookup: lookupOf(key) });
  return record !== undefined && judgeApiKey(record, clock.now()).state === 'valid';
}

const start: Manager = { actor: { name: 'start', person: 'start' }, grants: everything };
