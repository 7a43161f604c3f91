/** What an account presents to the core. */
import { describe, expect, it } from '@jest/globals';
import { accountCredential } from '../../../protocols/acme/account-credential.js';
import type { LinkedAuthorization } from '../../../protocols/acme/authorization-state.js';
import { start, withAcme } from './fake-core.js';

const proved: LinkedAuthorization = {
  id: 'authorization-1',
  identifierType: 'dns',
  identifierValue: 'a.example',
  isWildcard: 0,
  status: 'valid',
  challenges: JSON.stringify([{ type: 'http-01', token: 'token', status: 'valid', attempts: 1 }]),
  attestedKey: null,
  attestedBy: null,
  expiresAt: start.getTime() + 1,
};
const removed: LinkedAuthorization = {
  ...proved,
  identifierType: null,
  identifierValue: null,
  isWildcard: null,
  status: null,
  challenges: null,
  expiresAt: null,
};

describe('the credential of an ACME account', () => {
  it.each<[string, Partial<LinkedAuthorization>, readonly unknown[]]>([
    ['a valid authorization', {}, [{ type: 'dns', value: 'a.example' }]],
    ['one for a wildcard', { isWildcard: 1 }, [{ type: 'dns', value: '*.a.example' }]],
    ['one that has expired', { expiresAt: start.getTime() }, []],
    ['one that was deactivated (RFC 8555 7.5.2)', { status: 'deactivated' }, []],
    ['one that failed', { status: 'invalid' }, []],
    ['one that nobody has proved', { challenges: '[]' }, []],
    ['a device that was not attested', { identifierType: 'permanent-identifier' }, []],
    [
      'a device that was',
      { identifierType: 'permanent-identifier', attestedKey: 'ab' },
      [{ type: 'permanent-identifier', value: 'a.example' }],
    ],
    ['one that was removed', removed, []],
  ])('has in it what is proved by %s', (_, changes, identifiers) =>
    withAcme(async (acme) => {
      const authorizations = [{ ...proved, ...changes }];
      expect(accountCredential(acme.request(undefined), authorizations, acme.context)).toEqual({
        kind: 'acme-account',
        account: acme.account.id,
        identifiers,
      });
    }),
  );
});
