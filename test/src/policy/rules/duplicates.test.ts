import { describe, expect, it } from '@jest/globals';
import { approved, type Case, decideCase, expectDenied, known, name } from '../make-case.js';

describe('duplicates rule', () => {
  const sameDevice = [known];

  it('allows several certificates where the policy does', () => {
    expect(approved(decideCase({ facts: { sameDevice } })).revokes).toEqual([]);
  });

  it('refuses a second valid certificate of the same subject', () => {
    expectDenied(
      decideCase({ policy: { duplicates: 'refuse' }, facts: { sameDevice } }),
      'duplicate-request',
      'has a valid certificate',
    );
  });

  it('lets an account renew what it has, and nobody else (RFC 8555)', () => {
    const requester = 'acme-account:a1';
    const matter: Case = {
      policy: { duplicates: 'refuse' },
      identity: { requester, isAccount: true },
      facts: { sameDevice: [{ ...known, requester }] },
    };
    approved(decideCase(matter));
    const others = [{ ...known, requester }, known];
    expectDenied(decideCase({ ...matter, facts: { sameDevice: others } }), 'duplicate-request', 'has a valid');
    expectDenied(decideCase({ ...matter, identity: { requester } }), 'duplicate-request', 'has a valid certificate');
  });

  it('compares the subject that was decided, by RFC 5280 7.1', () => {
    const matter: Case = {
      policy: { duplicates: 'refuse' },
      facts: { sameDevice: [{ ...known, subject: name('CN=DEVICE-1') }] },
    };
    expectDenied(decideCase(matter), 'duplicate-request', 'has a valid certificate');
    approved(decideCase({ ...matter, subject: 'CN=device-2' }));
  });

  it('names what the new certificate supersedes', () => {
    const others = [known, { ...known, serialNumber: '0b' }, { ...known, serialNumber: '0c', subject: name('CN=x') }];
    const { revokes } = approved(
      decideCase({ policy: { duplicates: 'revoke-previous' }, facts: { sameDevice: others } }),
    );
    expect(revokes).toEqual([
      { issuerId: 'ca-1', serialNumber: '0a' },
      { issuerId: 'ca-1', serialNumber: '0b' },
    ]);
  });
});

describe('limits rule', () => {
  const limits = { certificates: 3, certificatesPerDevice: 2 };

  it.each<[string, Case]>([
    ['below both limits', { facts: { validCertificatesOfPolicy: 2, validCertificatesOfDevice: 1 } }],
    ['for a new device', { isNewDevice: true, facts: { validCertificatesOfPolicy: 2 } }],
    [
      'when a superseded certificate makes room',
      {
        policy: { limits, duplicates: 'revoke-previous' },
        facts: { sameDevice: [known], validCertificatesOfPolicy: 3, validCertificatesOfDevice: 2 },
      },
    ],
  ])('lets pass %s', (_, matter) => {
    approved(decideCase({ policy: { limits }, ...matter }));
  });

  it.each<[string, Case, string]>([
    [
      'at the limit of the policy',
      { facts: { validCertificatesOfPolicy: 3, validCertificatesOfDevice: 0 } },
      'limit of 3 certificates',
    ],
    [
      'at the limit of the device',
      { facts: { validCertificatesOfPolicy: 2, validCertificatesOfDevice: 2 } },
      'the device has reached the limit of 2',
    ],
    ['when nobody has counted', {}, 'limit of 3'],
  ])('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase({ policy: { limits }, ...matter }), 'forbidden', fragment);
  });
});
