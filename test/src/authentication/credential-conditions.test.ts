import { describe, expect, it } from '@jest/globals';
import { checkConditions, describeCredential } from '../../../src/authentication/credential-conditions.js';
import type { CredentialRecord } from '../../../src/store/credential-repository.js';

const now = Date.UTC(2026, 10, 21);
const record: CredentialRecord = {
  id: 'c-1',
  authenticationPolicy: 'fleet',
  kind: 'passcode',
  name: 'one',
  username: null,
  lookup: 'ab',
  sealed: null,
  certificate: null,
  usageLimit: null,
  uses: 0,
  notBefore: null,
  notAfter: null,
  allowedAddresses: null,
  registeredValues: null,
  createdAt: now,
  revokedAt: null,
  source: 'catalog',
};

const usable = (changes: Partial<CredentialRecord>, address = '192.0.2.1') =>
  checkConditions({ ...record, ...changes }, new Date(now), address);

describe('the conditions of a credential', () => {
  it('are none where none is set', () => {
    expect(usable({})).toEqual({ usable: true });
  });

  it('include both ends of its validity', () => {
    expect(usable({ notBefore: now, notAfter: now })).toEqual({ usable: true });
    expect(usable({ notBefore: now + 1 })).toEqual({ usable: false, reason: 'the credential is not valid yet' });
    expect(usable({ notAfter: now - 1 })).toEqual({ usable: false, reason: 'the credential has expired' });
  });

  it('end with its revocation', () => {
    expect(usable({ revokedAt: now + 5 })).toEqual({ usable: false, reason: 'the credential was revoked' });
  });

  it('allow the listed addresses only', () => {
    const allowedAddresses = JSON.stringify(['192.0.2.0/24']);
    expect(usable({ allowedAddresses })).toEqual({ usable: true });
    expect(usable({ allowedAddresses }, '198.51.100.1')).toMatchObject({ usable: false });
    expect(usable({ allowedAddresses }, '')).toMatchObject({ usable: false });
  });

  it('do not count uses: one that is used up still authenticates repeats', () => {
    expect(usable({ usageLimit: 1, uses: 1 })).toEqual({ usable: true });
    expect(describeCredential({ ...record, usageLimit: 1, uses: 0 }).isUsedUp).toBe(false);
    expect(describeCredential({ ...record, usageLimit: 1, uses: 1 }).isUsedUp).toBe(true);
    expect(describeCredential({ ...record, usageLimit: 1, uses: 2 }).isUsedUp).toBe(true);
    expect(describeCredential({ ...record, uses: 1_000_000 }).isUsedUp).toBe(false);
  });

  it('come with the registered values, which a broken record does not lose', () => {
    const registeredValues = JSON.stringify({ device: 'pump-1', subject: { commonName: ['pump-1'] } });
    const { used } = describeCredential({ ...record, username: 'alice', registeredValues });
    expect(used).toEqual({
      id: 'c-1',
      kind: 'passcode',
      name: 'one',
      username: 'alice',
      registeredValues: { device: 'pump-1', subject: { commonName: ['pump-1'] } },
    });
    expect(() => describeCredential({ ...record, registeredValues: '{"devise":"x"}' })).toThrow();
  });
});
