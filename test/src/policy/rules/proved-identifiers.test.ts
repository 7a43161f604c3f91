import { describe, expect, it } from '@jest/globals';
import type { AcmeIdentifier } from '../../../../src/model/acme.js';
import { utf8String } from '../../../../src/x509/der-writer.js';
import type { GeneralName } from '../../../../src/x509/general-names.js';
import { hardwareModuleName, permanentIdentifier } from '../../../support/acme/device-names.js';
import { approved, type Case, credential, decideCase, dns, expectDenied, device as someDevice } from '../make-case.js';

const permanent = '1.3.6.1.5.5.7.8.3';
const hardware = '1.3.6.1.5.5.7.8.4';
const proved: readonly AcmeIdentifier[] = [
  { type: 'dns', value: 'a.example' },
  { type: 'dns', value: '*.b.example' },
  { type: 'ip', value: '2001:db8::1' },
  { type: 'permanent-identifier', value: 'Serial-1' },
  { type: 'hardware-module', value: '1.3.6.1.4.1.99999.1:0a0b' },
];
const profile: NonNullable<Case['profile']> = {
  subject: [
    { attribute: 'commonName', source: 'request' },
    { attribute: 'serialNumber', source: 'request' },
    { attribute: 'organizationName', source: 'request' },
  ],
  subjectAltNames: [
    { type: 'dns', source: 'request', wildcard: true },
    { type: 'ip', source: 'request' },
    { type: 'email', source: 'request' },
    { type: 'otherName', typeId: permanent, source: 'request' },
    { type: 'otherName', typeId: hardware, source: 'request' },
  ],
};

function asking(
  subject: string,
  alternativeNames: readonly GeneralName[],
  provedIdentifiers: readonly AcmeIdentifier[] = proved,
): Case {
  const facts = { deviceName: 'a.example' };
  return { profile, subject, alternativeNames, facts, identity: { credentials: [], provedIdentifiers } };
}

const ip = (value: string): GeneralName => ({ type: 'ip', value });
const otherName = (typeId: string, value: Uint8Array): GeneralName => ({ type: 'otherName', typeId, value });

describe('proved identifiers rule', () => {
  it.each<[string, Case]>([
    ['a DNS name', asking('', dns('a.example'))],
    ['a DNS name in other case', asking('CN=A.example', dns('A.EXAMPLE'))],
    ['a wildcard', asking('CN=*.b.example', dns('*.b.example'))],
    ['an address in another form', asking('CN=2001:db8::1', [ip('2001:db8:0::1')])],
    [
      'a permanent identifier',
      asking('CN=Serial-1,serialNumber=Serial-1', [otherName(permanent, permanentIdentifier('Serial-1'))]),
    ],
    ['a hardware module', asking('', [otherName(hardware, hardwareModuleName('0a0b', '2b06010401868d1f01'))])],
    ['fewer names than were proved', asking('O=Anything', dns('a.example'))],
  ])('lets pass %s that was proved', (_, matter) => {
    approved(decideCase(matter));
  });

  it.each<[string, Case, string]>([
    ['another DNS name beside it', asking('', dns('a.example', 'c.example')), '"dns:c.example"'],
    ['a name below a proved one', asking('', dns('www.a.example')), '"dns:www.a.example"'],
    ['a name that only a wildcard covers', asking('', dns('www.b.example')), '"dns:www.b.example"'],
    ['the name below a wildcard', asking('', dns('b.example')), '"dns:b.example"'],
    ['a wildcard of a proved name', asking('', dns('*.a.example')), '"dns:*.a.example"'],
    ['a DNS name that is a proved identifier of another kind', asking('', dns('serial-1')), '"dns:serial-1"'],
    ['another address', asking('', [ip('192.0.2.1')]), '"ip:192.0.2.1"'],
    [
      'a name of a kind that nobody proves',
      asking('', [{ type: 'email', value: 'a@a.example' }]),
      '"email:a@a.example"',
    ],
    ['another permanent identifier', asking('', [otherName(permanent, permanentIdentifier('Serial-2'))]), 'otherName:'],
    [
      'a permanent identifier in other case',
      asking('', [otherName(permanent, permanentIdentifier('serial-1'))]),
      'otherName:',
    ],
    [
      'a text in place of the permanent identifier',
      asking('', [{ type: 'otherName', typeId: permanent, value: utf8String('Serial-1') }]),
      'otherName:',
    ],
    [
      'another hardware module',
      asking('', [otherName(hardware, hardwareModuleName('0a0c', '2b06010401868d1f01'))]),
      'otherName:',
    ],
    ['a common name', asking('CN=c.example', dns('a.example')), 'commonName "c.example"'],
    ['a common name in the case of another identifier', asking('CN=SERIAL-1', dns('a.example')), 'commonName'],
    [
      'the serial number of another device',
      asking('serialNumber=Serial-2', dns('a.example')),
      'serialNumber "Serial-2"',
    ],
    [
      'the serial number of a device that is a proved DNS name',
      asking('serialNumber=a.example', dns('a.example')),
      'serialNumber "a.example"',
    ],
    ['anything, where nothing was proved', asking('', dns('a.example'), []), '"dns:a.example"'],
  ])('refuses %s', (_, matter, fragment) => {
    const decision = decideCase(matter);
    expectDenied(decision, 'rejected-name', fragment);
    expect(decision.trace.at(-1)?.rule).toBe('proved-identifiers');
  });

  it('asks for no proof of what is not the request’s own words', () => {
    const given: Case = {
      ...asking('O=Anything', dns('device-1')),
      profile: {
        subject: [
          { attribute: 'commonName', source: 'fixed', value: 'fixed' },
          { attribute: 'organizationName', source: 'request' },
        ],
        subjectAltNames: [{ type: 'dns', source: 'device', field: 'name' }],
      },
    };
    const { issuance } = approved(decideCase(given));
    expect(Buffer.from(issuance.subject).includes('fixed')).toBe(true);
  });

  describe('for a device that the request itself names', () => {
    const ofDevice = { attribute: 'serialNumber', source: 'device', field: 'name' } as const;
    const naming = (deviceName: string, alternativeNames = dns('a.example')): Case => ({
      ...asking(`serialNumber=${deviceName}`, alternativeNames),
      profile: { subject: [ofDevice], subjectAltNames: [{ type: 'dns', source: 'request' }] },
      facts: { deviceName },
    });
    const device = { ...someDevice, name: 'device-9' };

    it('refuses one that was not proved, although the certificate would have its name from the record', () => {
      const matter = naming('device-9');
      const decision = decideCase({ ...matter, facts: { ...matter.facts, device } });
      expectDenied(decision, 'rejected-name', 'device name "device-9" is none of the identifiers');
      expect(decision.trace.at(-1)?.rule).toBe('proved-identifiers');
    });

    it.each(['a.example', '2001:db8::1', 'Serial-1'])('lets pass %s, which was proved', (name) => {
      const matter = naming(name);
      approved(decideCase({ ...matter, facts: { ...matter.facts, device: { ...someDevice, name } } }));
    });

    it('asks for no proof of the name that a credential registers', () => {
      const matter = naming('device-9', []);
      const credentials = [{ ...credential, registeredValues: { device: 'device-9' } }];
      const identity = { ...matter.identity, credentials };
      approved(decideCase({ ...matter, identity, facts: { ...matter.facts, device } }));
    });
  });

  it('asks for no proof of others than ACME accounts', () => {
    approved(decideCase({ ...asking('', dns('c.example')), identity: { credentials: [credential] } }));
  });
});
