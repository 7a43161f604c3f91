import { describe, it } from '@jest/globals';
import type { RegisteredValues } from '../../../../src/model/registered-values.js';
import { approved, type Case, credential, decideCase, dns, expectDenied } from '../make-case.js';

type Values = Omit<RegisteredValues, 'subjectAltNames'> & {
  readonly subjectAltNames?: Partial<RegisteredValues['subjectAltNames']>;
};

function using(values: Values, more: Case = {}): Case {
  const plain = { ...credential, id: 'c0' };
  const registeredValues = values as RegisteredValues;
  return { ...more, identity: { credentials: [plain, { ...credential, registeredValues }] } };
}

describe('registered values rule', () => {
  it.each<[string, Case]>([
    ['the device', using({ device: 'device-1' })],
    ['the new device', using({ device: 'device-1' }, { isNewDevice: true })],
    ['a subject attribute', using({ subject: { CN: ['device-0', 'device-1'] } })],
    [
      'an attribute that the profile fills in',
      using(
        { subject: { commonName: ['device-1'] } },
        { subject: '', profile: { subject: [{ attribute: 'CN', source: 'device', field: 'name' }] } },
      ),
    ],
    ['an alternative name', using({ subjectAltNames: { dns: ['A.example'] } }, { alternativeNames: dns('a.example') })],
    [
      'an address in another form',
      using(
        { subjectAltNames: { ip: ['2001:DB8:0::1'] } },
        {
          profile: { subjectAltNames: [{ type: 'ip', source: 'request' }] },
          alternativeNames: [{ type: 'ip', value: '2001:db8::1' }],
        },
      ),
    ],
    ['a domain name that begins with the device', using({ device: 'device-1' }, { subject: 'CN=Device-1.example' })],
    [
      'a serial number among the identifiers of the device',
      using(
        { device: 'device-1', identifiers: { serial: '4711' } },
        { subject: 'serialNumber=4711', profile: { subject: [{ attribute: 'serialNumber', source: 'request' }] } },
      ),
    ],
    [
      'names that are registered beside the device',
      using(
        { device: 'device-1', subject: { CN: ['other'] }, subjectAltNames: { dns: ['www'] } },
        { subject: 'CN=other', alternativeNames: dns('www') },
      ),
    ],
    [
      'a name that is overridden',
      using(
        { device: 'device-1' },
        { subject: 'CN=other', profile: { subject: [{ attribute: 'CN', source: 'fixed', value: 'fixed' }] } },
      ),
    ],
    ['types that are not registered', using({ subject: { CN: ['device-1'] } }, { alternativeNames: dns('free') })],
  ])('lets pass %s', (_, matter) => {
    approved(decideCase(matter));
  });

  it.each<[string, Case, string]>([
    [
      "another device's common name",
      using({ device: 'device-1' }, { subject: 'CN=device-2' }),
      'commonName "device-2" is not for credential pass-1 of device "device-1"',
    ],
    [
      "another device's serial number",
      using(
        { device: 'device-1' },
        { subject: 'serialNumber=device-2', profile: { subject: [{ attribute: 'serialNumber', source: 'request' }] } },
      ),
      'serialNumber "device-2" is not for credential pass-1',
    ],
    [
      "another device's DNS name",
      using({ device: 'device-1' }, { alternativeNames: dns('device-1.example', 'device-12') }),
      'dns "device-12" is not for credential pass-1',
    ],
    ['another device', using({ device: 'device-2' }), 'credential pass-1 is for device "device-2"'],
    [
      'another attribute value',
      using({ subject: { commonName: ['device-2'] } }),
      'commonName "device-1" is not registered with credential pass-1',
    ],
    ['an attribute in another case', using({ subject: { commonName: ['DEVICE-1'] } }), 'is not registered'],
    [
      'a missing attribute',
      using({ subject: { serialNumber: ['1'] } }),
      'serialNumber must be one of those registered',
    ],
    [
      'another alternative name beside a registered one',
      using({ subjectAltNames: { dns: ['a'] } }, { alternativeNames: dns('a', 'b') }),
      'dns "b" is not registered',
    ],
    ['a missing alternative name', using({ subjectAltNames: { dns: ['a'] } }), 'dns must be one of those registered'],
    [
      'a wish that a fixed value would override',
      using(
        { subject: { CN: ['good'] } },
        { subject: 'CN=evil', profile: { subject: [{ attribute: 'CN', source: 'fixed', value: 'good' }] } },
      ),
      '"evil" is not registered',
    ],
    ['an attribute that nobody knows', using({ subject: { colour: ['red'] } }), 'unknown subject attribute "colour"'],
  ])('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'rejected-name', fragment);
  });
});
