/** Users, API keys and jobs as the store keeps them. */
import type { Grant } from '../../../src/model/access.js';
import type { ApiKeyRecord, UserRecord } from '../../../src/store/access-record.js';
import type { JobRecord } from '../../../src/store/job-record.js';

/** An enabled one whose id is its name. */
export function userRecord(name: string, grants: readonly Grant[]): UserRecord {
  return {
    id: name,
    name,
    displayName: null,
    grants: JSON.stringify(grants),
    isAdministrator: 0,
    password: null,
    enabled: 1,
    createdAt: 0,
    updatedAt: 0,
    lastSeenAt: null,
  };
}

/** A program's own, whose id is its name. */
export function apiKeyRecord(name: string, grants: readonly Grant[]): ApiKeyRecord {
  return {
    id: name,
    name,
    prefix: `gh_${name}`,
    lookup: name,
    grants: JSON.stringify(grants),
    isAdministrator: 0,
    owner: null,
    createdBy: 'test',
    createdAt: 0,
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
  };
}

/** One without rows. */
export function jobRecord(id: string, division: string): JobRecord {
  return {
    id,
    kind: 'register-devices',
    division,
    name: null,
    options: '{}',
    selection: null,
    state: 'draft',
    problem: null,
    startsByItself: 0,
    createdBy: '{}',
    runsFor: '{}',
    createdAt: 0,
    startedAt: null,
    finishedAt: null,
    inputName: null,
    inputFormat: null,
    inputColumns: null,
    loader: null,
    loaderUntil: null,
    sealedJobKey: null,
    keysDestroyedAt: null,
    archive: null,
    deletedAt: null,
  };
}
