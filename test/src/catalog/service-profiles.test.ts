import { describe, expect, it } from '@jest/globals';
import { serviceProfile } from '../../../src/catalog/service-profiles.js';

describe("profiles of the gateway's own certificates", () => {
  it.each([
    ['tls-server', '1.3.6.1.5.5.7.3.1'],
    ['key-generation', '1.3.6.1.5.5.7.3.32'],
    ['cmc', '1.3.6.1.5.5.7.3.28'],
    ['ocsp', '1.3.6.1.5.5.7.3.9'],
  ] as const)(
    '%s has the one purpose %s (RFC 5280 4.2.1.12, RFC 7030 4.4.2, RFC 6402 2.10, RFC 6960 4.2.2.2)',
    (purpose, oid) => {
      const { profile } = serviceProfile(purpose);
      expect(profile.extendedKeyUsages).toEqual([oid]);
      expect(profile.keyUsages).toEqual(['digitalSignature']);
    },
  );

  it('are short for OCSP, which nobody checks for revocation, and alone say nothing of where to do so (RFC 5019 2.2.2)', () => {
    expect(serviceProfile('ocsp').profile.validity).toBe(14 * 86_400);
    expect(serviceProfile('ocsp').locations).toBe('none');
    for (const purpose of ['tls-server', 'cmc', 'cmp', 'scep-ra'] as const)
      expect(serviceProfile(purpose)).not.toHaveProperty('locations');
  });

  it('last thirty days and are renewed after two thirds', () => {
    const { validity, renewal } = serviceProfile('tls-server').profile;
    expect(validity).toBe(30 * 86_400);
    expect(renewal.window).toBe(10 * 86_400);
  });
});
