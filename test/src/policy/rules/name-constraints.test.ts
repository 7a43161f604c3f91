import { describe, expect, it } from '@jest/globals';
import { ProfileError } from '../../../../src/policy/compile-profile.js';
import { encodeNameConstraints, parseNameSubtree } from '../../../../src/x509/encode-name-constraints.js';
import { idCeNameConstraints } from '../../../../src/x509/oids.js';
import { approved, type Case, compile, decideCase, device, expectDenied, extensionOf } from '../make-case.js';

type Constraints = NonNullable<NonNullable<Case['profile']>['nameConstraints']>;

const template: NonNullable<Case['template']> = {
  basicConstraints: { ca: true },
  nameConstraints: true,
  keyUsages: ['keyCertSign'],
};

function ca(nameConstraints?: Constraints, changes: Partial<Case> = {}): Case {
  const profile = { keyUsages: ['keyCertSign' as const], extendedKeyUsages: [], pathLength: 0 };
  return {
    template,
    profile: { ...profile, ...(nameConstraints && { nameConstraints }), ...changes.profile },
    facts: { usage: 'intermediate', ...changes.facts },
    issuer: { issueIntermediates: true },
    ...(changes.extensions && { extensions: changes.extensions }),
  };
}

const zone = (field: string, more: object = {}): Constraints => ({
  permitted: [{ type: 'dns', source: 'device', field, ...more }],
});
const own: Constraints = { permitted: [{ dns: 'plant.example' }] };
const permitted = (...domains: readonly string[]) =>
  encodeNameConstraints({ permitted: domains.map((domain) => parseNameSubtree('dns', domain)), excluded: [] });
const asking = (...domains: readonly string[]) => ({
  extensions: [{ id: idCeNameConstraints, critical: true, value: permitted(...domains) }],
});

function constraintsOf(matter: Case) {
  return extensionOf(approved(decideCase(matter)), idCeNameConstraints);
}

describe('name constraints rule', () => {
  it("puts in the profile's, critical (RFC 5280 4.2.1.10)", () => {
    const matter = ca({ permitted: [{ dns: 'plant.example' }], excluded: [{ ip: '0.0.0.0/0' }] });
    const value = encodeNameConstraints({
      permitted: [parseNameSubtree('dns', 'plant.example')],
      excluded: [parseNameSubtree('ip', '0.0.0.0/0')],
    });
    expect(constraintsOf(matter)).toEqual({ id: idCeNameConstraints, critical: true, value });
  });

  it('takes a value from the device', () => {
    expect(constraintsOf(ca(zone('name')))?.value).toEqual(permitted('device-1'));
    const facts = { device: { ...device, attributes: { zone: 'Gw-17.plant.example' } } };
    const matter = ca(zone('attributes.zone'), { facts });
    expect(constraintsOf(matter)?.value).toEqual(permitted('gw-17.plant.example'));
  });

  it('refuses a device that lacks the value, unless the profile does without', () => {
    expectDenied(decideCase(ca(zone('attributes.zone'))), 'rejected-profile', 'the device does not give it');
    expect(constraintsOf(ca(zone('attributes.zone', { required: false })))).toBeUndefined();
  });

  it.each([
    ['.plant.example', {}, 'is no domain'],
    ['*', {}, 'is no domain'],
    ['a\u202eb', {}, 'control or invisible'],
    ['example', { pattern: '.+\\.plant\\.example' }, 'does not match the pattern'],
  ])('refuses a value %p of the device', (value, more, says) => {
    const facts = { device: { ...device, attributes: { zone: value } } };
    const matter = ca(zone('attributes.zone', more), { facts });
    expectDenied(decideCase(matter), 'rejected-profile', says);
  });

  it('tells who asks for others that it gets those of the profile, or refuses', () => {
    expect(approved(decideCase(ca(own, asking('plant.example')))).modified).toEqual([]);
    expectDenied(decideCase(ca(own, asking('example'))), 'rejected-profile', 'has other name constraints');
    expectDenied(decideCase(ca(undefined, asking('example'))), 'rejected-profile', 'extension 2.5.29.30 is not taken');
    const lenient = approved(decideCase(ca(own, { ...asking('example'), profile: { otherExtensions: 'ignore' } })));
    expect(lenient.modified).toEqual(['the name constraints are those of profile profile, not those asked for']);
    expect(extensionOf(lenient, idCeNameConstraints)?.value).toEqual(permitted('plant.example'));
  });

  it.each<[string, Constraints, NonNullable<Case['template']>, string]>([
    [
      'without a permission of the template',
      own,
      { ...template, nameConstraints: false },
      'not allowed by the template',
    ],
    ['for end entities', own, {}, 'are for CA certificates'],
    ['that cannot be read', { excluded: [{ dns: '.a.example' }] }, template, 'is no domain'],
    ['from a field that no device has', zone('colour'), template, 'of a device is name, group'],
  ])('are refused in a profile %s', (_what, nameConstraints, changed, says) => {
    expect(() => compile({ ...ca(nameConstraints).profile }, changed)).toThrow(ProfileError);
    expect(() => compile({ ...ca(nameConstraints).profile }, changed)).toThrow(says);
  });
});
