/** Names before there is a request: what the decision would refuse in any case, and nothing else. */
import { describe, expect, it } from '@jest/globals';
import type { RegisteredValues } from '../../../src/model/registered-values.js';
import { checkNames } from '../../../src/policy/check-names.js';
import { decide } from '../../../src/policy/decide.js';
import { encodeGeneralNames } from '../../../src/x509/general-names.js';
import { type Case, credential, device, dns, makeInput } from './make-case.js';

/** What refuses the names of a case; the device is only known where a credential or the case says so. */
function check(matter: Case, changes: { readonly knowsDevice?: boolean; readonly names?: Uint8Array } = {}) {
  const { facts, identity } = makeInput(matter);
  const { deviceName = 'device-1', device: _known, ...open } = facts;
  const { names = encodeGeneralNames(matter.alternativeNames ?? []) } = changes;
  const known = facts.device ? { ...open, deviceName, device: facts.device } : { ...open, deviceName };
  return checkNames({ identity, facts: changes.knowsDevice ? known : open, subjectAltNames: names });
}

type Values = Omit<RegisteredValues, 'subjectAltNames'> & {
  readonly subjectAltNames?: Partial<RegisteredValues['subjectAltNames']>;
};

function registered(values: Values): NonNullable<Case['identity']> {
  return { credentials: [{ ...credential, registeredValues: values as RegisteredValues }] };
}

const profile: NonNullable<Case['profile']> = {
  subjectAltNames: [{ type: 'dns', source: 'request', pattern: '[a-z0-9.-]+[.]example', maximum: 2 }],
};

describe('checkNames', () => {
  it.each<readonly [string, Case, boolean?]>([
    ['names that the profile takes', { profile, alternativeNames: dns('a.example', 'B.example') }],
    ['no names at all', { profile, alternativeNames: [] }],
    [
      'names without others that are required',
      {
        profile: {
          subjectAltNames: [
            { type: 'dns', source: 'request' },
            { type: 'uri', source: 'request', required: true },
          ],
        },
        alternativeNames: dns('a.example'),
      },
    ],
    [
      'names that the device may have, where the request will say which it is',
      { profile: { subjectAltNames: [{ type: 'dns', source: 'device', field: 'name' }] }, alternativeNames: dns('x') },
    ],
    [
      'registered names of which some are missing',
      { identity: registered({ subject: { CN: ['x'] }, subjectAltNames: { dns: ['a.example'] } }) },
    ],
    [
      "the registered device's own",
      { identity: registered({ device: 'device-1' }), alternativeNames: dns('device-1.x') },
      true,
    ],
    ['what is proved later', { identity: { provedIdentifiers: [] }, profile, alternativeNames: dns('a.example') }],
  ])('has nothing against %s', (_, matter, knowsDevice = false) => {
    expect(check(matter, { knowsDevice })).toBeUndefined();
  });

  it.each<readonly [string, Case, string, boolean?]>([
    [
      'of a type that the profile does not take',
      { profile, alternativeNames: [{ type: 'ip', value: '192.0.2.1' }] },
      'ip is not taken by profile',
    ],
    [
      'that do not match the pattern',
      { profile, alternativeNames: dns('a.example.com') },
      'does not match the pattern',
    ],
    [
      'of which there are too many',
      { profile, alternativeNames: dns('a.example', 'b.example', 'c.example') },
      'is asked for 3 times',
    ],
    ['that are wildcards', { profile, alternativeNames: dns('*.example') }, 'is a wildcard'],
    [
      'that are not registered',
      {
        identity: registered({ subjectAltNames: { dns: ['a.example'] } }),
        alternativeNames: dns('b.example'),
      },
      'dns "b.example" is not registered',
    ],
    [
      'that are foreign to the registered device',
      { identity: registered({ device: 'device-1' }), alternativeNames: dns('device-2') },
      'dns "device-2" is not for credential',
      true,
    ],
    [
      'that the registered device does not have',
      {
        identity: registered({ device: 'device-1' }),
        profile: { subjectAltNames: [{ type: 'dns', source: 'device', field: 'name' }] },
        alternativeNames: dns('device-2'),
      },
      'dns "device-2" is not what the device has',
      true,
    ],
  ])('refuses names %s, as the decision does', (_, matter, fragment, knowsDevice = false) => {
    const decision = decide(makeInput({ subject: '', ...matter }));
    const denial = check(matter, { knowsDevice });
    expect(denial).toMatchObject({ code: 'rejected-name', said: expect.stringContaining(fragment) });
    expect(decision).toMatchObject({ outcome: 'denied', code: denial?.code, reason: denial?.said });
  });

  it('refuses names in whose place the profile has others (RFC 8555 7.4)', () => {
    const matter: Case = {
      profile: { subjectAltNames: [{ type: 'dns', source: 'fixed', value: 'fixed.example' }] },
      alternativeNames: dns('a.example'),
    };
    expect(check(matter)).toMatchObject({
      code: 'rejected-name',
      said: 'subject alternative name dns is "fixed.example", not "a.example" (rule subject-alt-names)',
    });
    expect(check({ ...matter, alternativeNames: dns('fixed.example') })).toBeUndefined();
  });

  it('refuses who asks for a device that may have nothing', () => {
    const suspended = { ...device, state: 'suspended' } as const;
    expect(check({ facts: { device: suspended }, alternativeNames: dns('a') }, { knowsDevice: true })).toMatchObject({
      code: 'forbidden',
      said: 'device "device-1" is suspended (rule device)',
    });
  });

  it.each([
    ['that are cut', Uint8Array.of(0x30, 5, 0x82)],
    ['that are no names', Uint8Array.of(4, 0)],
    ['of nothing', new Uint8Array()],
  ])('refuses octets %s', (_, names) => {
    expect(check({}, { names })).toMatchObject({ code: 'malformed-request' });
  });
});
