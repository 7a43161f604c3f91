import { describe, expect, it } from '@jest/globals';
import { DerReader, Tag } from '../../../../src/x509/der.js';
import { oid, sequence, setOf, tlv } from '../../../../src/x509/der-writer.js';
import { decodeName, formatName } from '../../../../src/x509/names.js';
import { approved, type Case, credential, decideCase, dns, expectDenied, name } from '../make-case.js';

const cn = { attribute: 'commonName', source: 'request' } as const;
const o = { attribute: 'organizationName', source: 'fixed', value: 'Acme' } as const;

function subjectOf(matter: Case): string {
  return formatName(approved(decideCase(matter)).issuance.subject);
}

/** A Name of one attribute with a string of this tag. */
function nameOf(type: string, tag: number, content: Uint8Array): Uint8Array {
  return sequence(setOf(sequence(oid(type), tlv(tag, content))));
}

describe('subject rules', () => {
  const good: [string, Case, string][] = [
    ['copies from the request', {}, 'CN=device-1'],
    ['orders by the profile', { profile: { subject: [o, cn] } }, 'CN=device-1,O=Acme'],
    [
      'orders by the profile, not the request',
      { profile: { subject: [cn, o] }, subject: 'CN=device-1,O=Acme' },
      'O=Acme,CN=device-1',
    ],
    [
      'takes values of the device',
      { profile: { subject: [{ ...cn, source: 'device', field: 'name' }] } },
      'CN=device-1',
    ],
    [
      'takes its group',
      { profile: { subject: [cn, { attribute: 'OU', source: 'device', field: 'group' }] } },
      'OU=devices,CN=device-1',
    ],
    [
      'takes its identifiers',
      {
        profile: { subject: [{ ...cn, source: 'device', field: 'identifiers.mac' }] },
        subject: '',
        alternativeNames: dns('a'),
      },
      'CN=00:11:22:33:44:55',
    ],
    [
      'takes its attributes',
      { profile: { subject: [cn, { attribute: 'OU', source: 'device', field: 'attributes.site' }] } },
      'OU=Ulm,CN=device-1',
    ],
    [
      'takes the name of a device that is new',
      { profile: { subject: [{ ...cn, source: 'device', field: 'name' }] }, isNewDevice: true },
      'CN=device-1',
    ],
    [
      'takes identifiers that a new device is registered with',
      {
        profile: { subject: [cn, { attribute: 'serialNumber', source: 'device', field: 'identifiers.sn' }] },
        isNewDevice: true,
        identity: { credentials: [{ ...credential, registeredValues: { identifiers: { sn: 'S1' } } }] },
      },
      'serialNumber=S1,CN=device-1',
    ],
    [
      'takes the user name of the credential',
      { profile: { subject: [{ ...cn, source: 'credential', field: 'username' }] }, subject: 'CN=USER-1' },
      'CN=user-1',
    ],
    [
      'takes the subject of its certificate',
      {
        profile: { subject: [cn, { attribute: 'serialNumber', source: 'credential', field: 'subject.serialNumber' }] },
        identity: { certificateSubject: name('CN=f,serialNumber=F9') },
      },
      'serialNumber=F9,CN=device-1',
    ],
    [
      'leaves out what is optional',
      { profile: { subject: [cn, { attribute: 'OU', source: 'device', field: 'attributes.none' }] } },
      'CN=device-1',
    ],
    [
      'takes several values',
      { profile: { subject: [cn, { attribute: 'OU', source: 'request', maximum: 2 }] }, subject: 'CN=x,OU=b,OU=a' },
      'OU=b,OU=a,CN=x',
    ],
    [
      'takes apart multi-valued RDNs',
      { profile: { subject: [cn, { attribute: 'OU', source: 'request' }] }, subject: 'CN=x+OU=y' },
      'OU=y,CN=x',
    ],
    ['matches the pattern as a whole', { profile: { subject: [{ ...cn, pattern: 'device-[0-9]' }] } }, 'CN=device-1'],
    [
      'fixed beside requested values of one attribute',
      {
        profile: {
          subject: [cn, { attribute: 'OU', source: 'fixed', value: 'F' }, { attribute: 'OU', source: 'request' }],
        },
        subject: 'CN=x,OU=R,OU=F',
      },
      'OU=R,OU=F,CN=x',
    ],
    ['takes 64 characters beyond the basic plane', { subject: `CN=${'😀'.repeat(64)}` }, `CN=${'😀'.repeat(64)}`],
  ];
  it.each(good)('%s', (_, matter, expected) => {
    expect(subjectOf(matter)).toBe(expected);
  });

  it('tells when a fixed value overrides a wish', () => {
    const decision = approved(decideCase({ profile: { subject: [cn, o] }, subject: 'CN=x,O=Evil' }));
    expect(decision.modified).toEqual(['subject attribute organizationName is "Acme", not "Evil"']);
    expect(decision.trace).toContainEqual(expect.objectContaining({ rule: 'subject', outcome: 'changed' }));
    expect(formatName(decision.issuance.subject)).toBe('O=Acme,CN=x');
  });

  it('says nothing when the wish is the fixed value', () => {
    expect(approved(decideCase({ profile: { subject: [cn, o] }, subject: 'CN=x,O=Acme' })).modified).toEqual([]);
  });

  const bad: [string, Case, string][] = [
    [
      'an attribute that no rule names',
      { subject: 'CN=x,O=Evil' },
      'subject attribute organizationName is not taken by profile profile (rule subject)',
    ],
    ['an attribute of unknown type', { subject: 'CN=x,1.2.3.4=y' }, 'subject attribute 1.2.3.4 is not taken'],
    [
      'a missing required value',
      { profile: { subject: [{ ...cn, required: true }] }, subject: '', alternativeNames: dns('a') },
      'commonName is missing',
    ],
    [
      'a required value that the device lacks',
      { profile: { subject: [cn, { attribute: 'OU', source: 'device', field: 'attributes.none', required: true }] } },
      'the device does not give it',
    ],
    [
      'a required value that the credential lacks',
      { profile: { subject: [{ ...cn, source: 'credential', field: 'subject.CN', required: true }] } },
      'the credential does not give it',
    ],
    [
      'a wish other than the device has',
      { profile: { subject: [{ ...cn, source: 'device', field: 'name' }] }, subject: 'CN=other' },
      'commonName "other" is not what the device has',
    ],
    [
      'a wish other than the credential has',
      { profile: { subject: [{ ...cn, source: 'credential', field: 'username' }] }, subject: 'CN=other' },
      'is not what the credential has',
    ],
    ['too many values', { subject: 'CN=a,CN=b' }, 'asked for 2 times; profile profile takes 1'],
    [
      'a value outside the pattern',
      { profile: { subject: [{ ...cn, pattern: 'dev-.*' }] } },
      '"device-1" does not match the pattern dev-.*',
    ],
    ['a blank value', { subject: 'CN=\\20' }, 'is empty'],
    ['an empty value', { subject: nameOf('2.5.4.3', Tag.utf8String, Buffer.alloc(0)) }, 'is empty'],
    ['NUL', { subject: 'CN=a\\00.example' }, '"a?.example" has control or invisible characters'],
    ['a bidi override', { subject: 'CN=\u202eabc' }, 'has control or invisible characters'],
    ['more than 64 characters (RFC 5280 A.1)', { subject: `CN=${'x'.repeat(65)}` }, 'longer than 64 characters'],
    [
      'a country of three letters',
      {
        profile: { subject: [{ attribute: 'C', source: 'request' }] },
        subject: nameOf('2.5.4.6', Tag.printableString, Buffer.from('DEU')),
      },
      'longer than 2',
    ],
    [
      'a country of digits',
      {
        profile: { subject: [{ attribute: 'C', source: 'request' }] },
        subject: nameOf('2.5.4.6', Tag.printableString, Buffer.from('12')),
      },
      'no country code',
    ],
    [
      'a serial number outside PrintableString',
      {
        profile: { subject: [{ attribute: 'serialNumber', source: 'request' }] },
        subject: nameOf('2.5.4.5', Tag.utf8String, Buffer.from('a_b')),
      },
      'outside PrintableString',
    ],
    [
      'an e-mail address beyond ASCII',
      {
        profile: { subject: [{ attribute: 'emailAddress', source: 'request' }] },
        subject: nameOf('1.2.840.113549.1.9.1', Tag.utf8String, Buffer.from('ä@b')),
      },
      'outside ASCII',
    ],
    [
      'a value that is no string',
      { subject: nameOf('2.5.4.3', Tag.integer, Buffer.from([5])) },
      'is no character string',
    ],
    ['no names at all', { subject: '' }, 'names nobody'],
  ];
  it.each(bad)('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'rejected-name', fragment);
  });

  it('refuses a malformed name as malformed', () => {
    expectDenied(decideCase({ subject: Uint8Array.of(0x30, 5, 1) }), 'malformed-request', 'cannot be read');
    expectDenied(
      decideCase({ subject: nameOf('2.5.4.3', Tag.utf8String, Buffer.from([0xff])) }),
      'malformed-request',
      'malformed character string',
    );
  });

  it.each([
    ['TeletexString', Tag.teletexString, Buffer.from('Gr\u00f6\u00dfe', 'latin1'), 'Größe', Tag.utf8String],
    ['BMPString', Tag.bmpString, Buffer.from([0, 0x41, 0, 0x42]), 'AB', Tag.printableString],
    ['UniversalString', Tag.universalString, Buffer.from([0, 0, 0, 0x41]), 'A', Tag.printableString],
    ['UTF8String', Tag.utf8String, Buffer.from('AB'), 'AB', Tag.utf8String],
    ['PrintableString', Tag.printableString, Buffer.from('AB'), 'AB', Tag.printableString],
    ['IA5String', Tag.ia5String, Buffer.from('a@b'), 'a@b', Tag.utf8String],
  ])('encodes what came as %s as RFC 5280 4.1.2.4 asks', (_, tag, content, value, expected) => {
    const { issuance } = approved(decideCase({ subject: nameOf('2.5.4.3', tag, content) }));
    expect(decodeName(issuance.subject)).toEqual([[{ type: '2.5.4.3', value, tag: expected }]]);
    expect(() => DerReader.decode(issuance.subject, (r) => r.element())).not.toThrow();
  });
});
