import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../../../src/errors.js';
import { extendedKeyUsageOids } from '../../../../src/model/certificate-template.js';
import {
  decodeBasicConstraints,
  decodeExtKeyUsage,
  decodeKeyUsage,
  type KeyUsage,
} from '../../../../src/x509/extensions.js';
import {
  idCeBasicConstraints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idKpClientAuth,
  idKpServerAuth,
  idKpTimeStamping,
} from '../../../../src/x509/oids.js';
import {
  approved,
  basicConstraints,
  type Case,
  decideCase,
  expectDenied,
  extendedKeyUsage,
  extensionOf,
  keyUsage,
  spki,
} from '../make-case.js';

const rsa = spki(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const ed25519 = spki(generateKeyPairSync('ed25519'));
const both = { keyUsages: ['digitalSignature', 'keyEncipherment'] } as const;

function ofKey(subjectPublicKeyInfo: Uint8Array, profile: Case['profile']): Case {
  return { requested: { subjectPublicKeyInfo }, profile: profile ?? {} };
}

function keyUsageOf(matter: Case): readonly KeyUsage[] {
  const extension = extensionOf(approved(decideCase(matter)), idCeKeyUsage);
  expect(extension?.critical).toBe(true);
  return extension === undefined ? [] : decodeKeyUsage(extension.value);
}

function purposesOf(matter: Case): string[] | undefined {
  const value = extensionOf(approved(decideCase(matter)), idCeExtKeyUsage)?.value;
  return value === undefined ? undefined : decodeExtKeyUsage(value);
}

describe('key usage rule', () => {
  it.each([
    ['RSA', ofKey(rsa, { keyUsages: [...both.keyUsages] }), ['digitalSignature', 'keyEncipherment']],
    ['EC (RFC 8813)', { profile: { keyUsages: [...both.keyUsages] } }, ['digitalSignature']],
    ['Ed25519 (RFC 8410 5)', ofKey(ed25519, { keyUsages: ['digitalSignature', 'keyAgreement'] }), ['digitalSignature']],
  ] as [string, Case, KeyUsage[]][])('keeps what fits %s, without telling the requester', (_, matter, expected) => {
    expect(keyUsageOf(matter)).toEqual(expected);
    expect(approved(decideCase(matter)).modified).toEqual([]);
  });

  it('refuses when nothing fits the key', () => {
    expectDenied(decideCase({ profile: { keyUsages: ['keyEncipherment'] } }), 'rejected-profile', 'no key usage');
  });

  it('fixed: tells when other usages were asked for', () => {
    const decision = approved(decideCase({ extensions: [keyUsage('keyAgreement')] }));
    expect(decision.modified).toEqual(['key usage is digitalSignature, not keyAgreement']);
    expect(extensionOf(decision, idCeKeyUsage)?.value).toEqual(Uint8Array.of(3, 2, 7, 0x80));
  });

  it('does not count as a change what the key cannot serve', () => {
    const matter: Case = {
      profile: { keyUsages: [...both.keyUsages] },
      extensions: [keyUsage('digitalSignature', 'keyEncipherment')],
    };
    expect(approved(decideCase(matter)).modified).toEqual([]);
  });

  it('request: narrows to what was asked, all if nothing was', () => {
    const profile = { keyUsages: ['digitalSignature', 'keyAgreement'], usageSource: 'request' } as const;
    const matter = (extensions: Case['extensions']): Case => ({
      profile: { ...profile, keyUsages: [...profile.keyUsages] },
      extensions: extensions ?? [],
    });
    expect(keyUsageOf(matter([keyUsage('keyAgreement')]))).toEqual(['keyAgreement']);
    expect(keyUsageOf(matter([]))).toEqual(['digitalSignature', 'keyAgreement']);
    expect(approved(decideCase(matter([keyUsage('keyAgreement', 'nonRepudiation')]))).modified).toEqual([
      'key usage is keyAgreement, not nonRepudiation, keyAgreement',
    ]);
    expectDenied(decideCase(matter([keyUsage('nonRepudiation')])), 'rejected-profile', 'none of the key usages');
  });

  it.each(['keyCertSign', 'cRLSign'] as const)('refuses %s from whoever is no CA', (usage) => {
    expectDenied(decideCase({ extensions: [keyUsage('digitalSignature', usage)] }), 'rejected-profile', usage);
  });

  it('refuses a malformed key usage as malformed', () => {
    expectDenied(
      decideCase({ extensions: [{ ...keyUsage(), value: Uint8Array.of(3, 2, 9, 0) }] }),
      'malformed-request',
      'cannot be read',
    );
  });
});

describe('extended key usage rule', () => {
  it("fixed: gives the profile's, whatever is asked", () => {
    expect(purposesOf({})).toEqual([idKpClientAuth]);
    const decision = approved(decideCase({ extensions: [extendedKeyUsage(idKpServerAuth)] }));
    expect(decision.modified).toEqual(['extended key usage is clientAuth, not serverAuth']);
  });

  it('leaves the extension out when the profile has none', () => {
    expect(purposesOf({ profile: { extendedKeyUsages: [] } })).toBeUndefined();
  });

  it('request: narrows to what was asked', () => {
    const profile: Case['profile'] = { extendedKeyUsages: ['clientAuth', 'serverAuth'], usageSource: 'request' };
    expect(purposesOf({ profile, extensions: [extendedKeyUsage(idKpServerAuth)] })).toEqual([idKpServerAuth]);
    expect(purposesOf({ profile })).toEqual([idKpClientAuth, idKpServerAuth]);
    expectDenied(
      decideCase({ profile, extensions: [extendedKeyUsage('1.2.3')] }),
      'rejected-profile',
      'none of the extended key usages',
    );
  });

  it.each<[string, ErrorCode]>([
    ['cmcCA', 'rejected-power'],
    ['cmcRA', 'rejected-power'],
    ['cmKGA', 'rejected-power'],
    ['OCSPSigning', 'rejected-profile'],
    ['anyExtendedKeyUsage', 'rejected-profile'],
    ['timeStamping', 'rejected-profile'],
    ['codeSigning', 'rejected-profile'],
  ])('refuses %s outside the template: %s', (usage, code) => {
    const extensions = [extendedKeyUsage(idKpClientAuth, extendedKeyUsageOids.get(usage) ?? '')];
    expectDenied(decideCase({ extensions }), code, usage);
  });

  it('is critical for time stamping alone (RFC 3161 2.3)', () => {
    const matter: Case = {
      template: { extendedKeyUsages: ['timeStamping'] },
      profile: { extendedKeyUsages: ['timeStamping'] },
    };
    expect(extensionOf(approved(decideCase(matter)), idCeExtKeyUsage)?.critical).toBe(true);
    expect(purposesOf(matter)).toEqual([idKpTimeStamping]);
    expect(extensionOf(approved(decideCase()), idCeExtKeyUsage)?.critical).toBe(false);
  });
});

describe('basic constraints rule', () => {
  const ca: Case = {
    template: { basicConstraints: { ca: true, maximumPathLength: 3 }, keyUsages: ['keyCertSign', 'cRLSign'] },
    profile: { keyUsages: ['keyCertSign', 'cRLSign'], extendedKeyUsages: [], pathLength: 2 },
    facts: { usage: 'intermediate' },
    issuer: { issueIntermediates: true },
  };

  function constraintsOf(matter: Case) {
    const decision = approved(decideCase(matter));
    const extension = extensionOf(decision, idCeBasicConstraints);
    expect(decision.issuance.isCa).toBe(extension !== undefined);
    return extension && { critical: extension.critical, ...decodeBasicConstraints(extension.value) };
  }

  it('end entities carry none', () => {
    expect(constraintsOf({})).toBeUndefined();
    expect(constraintsOf({ extensions: [basicConstraints(false)] })).toBeUndefined();
    expect(approved(decideCase({ extensions: [basicConstraints(false)] })).modified).toEqual([]);
  });

  it.each([
    ["the profile's path length", {}, undefined, 2],
    ["one less than its issuer's", { pathLength: 2 }, undefined, 1],
    ['a smaller one that was asked', {}, 0, 0],
  ])('a CA gets %s', (_, issuer, asked, expected) => {
    const extensions = asked === undefined ? [] : [basicConstraints(true, asked)];
    const matter = { ...ca, issuer: { ...ca.issuer, ...issuer }, extensions };
    expect(constraintsOf(matter)).toEqual({ critical: true, ca: true, pathLength: expected });
  });

  it('a CA may ask for keyCertSign and cA', () => {
    const extensions = [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign')];
    expect(keyUsageOf({ ...ca, extensions })).toEqual(['keyCertSign', 'cRLSign']);
    expect(approved(decideCase({ ...ca, extensions })).modified).toEqual([]);
  });

  it('refuses cA from an end entity', () => {
    expectDenied(decideCase({ extensions: [basicConstraints(true)] }), 'rejected-power', 'does not make CA');
  });

  const bad: [string, Case, string][] = [
    ['a CA from an issuer that makes none', { ...ca, issuer: {} }, 'does not issue CA certificates'],
    ['a CA under path length 0', { ...ca, issuer: { issueIntermediates: true, pathLength: 0 } }, 'path length 0'],
    [
      'a longer path than allowed',
      { ...ca, extensions: [basicConstraints(true, 3)] },
      'path length 3 is more than the 2',
    ],
    [
      'a CA whose key the gateway makes',
      { ...ca, policy: { keyGeneration: ['gateway'] }, input: { gatewayMadeKey: true } },
      'has a key of its own',
    ],
    ['a CA profile for operational use', { ...ca, facts: {} }, 'does not fit usage operational'],
    ["an end entity's profile for intermediates", { facts: { usage: 'intermediate' } }, 'is not for CA certificates'],
  ];
  it.each(bad)('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'rejected-profile', fragment);
  });

  it('refuses malformed constraints as malformed', () => {
    expectDenied(
      decideCase({ extensions: [{ ...basicConstraints(true), value: Uint8Array.of(0x30, 1) }] }),
      'malformed-request',
      'cannot be read',
    );
  });
});
