import { describe, expect, it } from '@jest/globals';
import { needsExternalAccount } from '../../../src/authentication/acme-account.js';
import { type AuthenticationPolicy, authenticationPolicySchema } from '../../../src/model/authentication-policy.js';

const requiring = (require: AuthenticationPolicy['require']) => ({
  policy: authenticationPolicySchema.parse({ name: 'acme', division: 'plant', require }),
  anchors: [],
  hasPasscodes: false,
  opens: new Set<string>(),
});

describe('external accounts (RFC 8555 7.3.4)', () => {
  it.each([
    ['any', 'challenges', false],
    ['any', 'externalAccount', true],
    ['any', 'both', true],
    ['secret', 'challenges', true],
  ] as const)('where %s credential is required and %s authorize: needed is %s', (require, authorization, needed) => {
    expect(needsExternalAccount(requiring(require), authorization)).toBe(needed);
  });

  // No configuration can be applied that says so; one that is there all the same must open nothing.
  it.each(['certificate', 'certificate-and-secret'] as const)('are never %s', (require) => {
    expect(() => needsExternalAccount(requiring(require), 'challenges')).toThrow(
      expect.objectContaining({ code: 'untrusted-signer' }),
    );
  });
});
