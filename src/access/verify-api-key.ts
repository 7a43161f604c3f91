/** Whom an API key stands for. */
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import type { Grant } from '../model/access.js';
import type { ApiKeyState, OwnedApiKeyRecord } from '../store/api-key-repository.js';
import type { Store } from '../store/store.js';
import { isApiKey, lookupOf } from './api-key-text.js';
import { limitedTo, readGrants } from './grants.js';
import type { Principal } from './principal.js';
import { recordUse } from './record-use.js';

interface Dependencies {
  readonly store: Pick<Store, 'apiKeys' | 'commit'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws GatewayError `bad-secret`, with one sentence for all that may be wrong with a key that could be one */
export async function verifyApiKey(key: string, { store, clock, log }: Dependencies): Promise<Principal> {
  if (!isApiKey(key)) {
    throw new GatewayError('bad-secret', 'the API key is none: it was mistyped, or a part of it is missing');
  }
  const record = await store.apiKeys.findByLookup({ lookup: lookupOf(key) });
  const { problem } = record ? judgeApiKey(record, clock.now()) : { problem: 'there is no such API key' };
  if (record === undefined || problem !== undefined) {
    throw new GatewayError('bad-secret', 'the API key is unknown, expired or revoked; ask for a new one', {
      cause: problem,
    });
  }
  recordUse({ id: record.id, lastAt: record.lastUsedAt }, store.apiKeys.used, { store, clock, log });
  return principalOf(record);
}

/** What it is good for; `problem` says what is wrong with it. */
export function judgeApiKey(
  { name, revokedAt, expiresAt, owner, ownerEnabled }: OwnedApiKeyRecord,
  at: Date,
): { readonly state: ApiKeyState; readonly problem?: string } {
  if (revokedAt !== null) return { state: 'revoked', problem: `API key ${name} was revoked` };
  if (expiresAt !== null && expiresAt <= at.getTime())
    return { state: 'expired', problem: `API key ${name} has expired` };
  if (owner !== null && ownerEnabled !== 1)
    return { state: 'disabled', problem: `the user of API key ${name} is disabled or deleted` };
  return { state: 'valid' };
}

/** Its own, as far as its owner has them. */
export function grantsOfApiKey({ grants, ownerGrants }: OwnedApiKeyRecord): readonly Grant[] {
  const own = readGrants(grants);
  return ownerGrants === null ? own : limitedTo(readGrants(ownerGrants), own);
}

function principalOf(record: OwnedApiKeyRecord): Principal {
  const { id, name, owner } = record;
  return {
    kind: 'api-key',
    id,
    name,
    person: owner === null ? `api-key:${id}` : `user:${owner}`,
    grants: grantsOfApiKey(record),
  };
}
