import { describe, expect, it } from '@jest/globals';
import { ia5String, smallInteger, utf8String } from '../../../../src/x509/der-writer.js';
import { decodeGeneralNames, type GeneralName } from '../../../../src/x509/general-names.js';
import { idCeSubjectAltName } from '../../../../src/x509/oids.js';
import { approved, type Case, credential, decideCase, dns, expectDenied, extensionOf, name } from '../make-case.js';

type Rules = NonNullable<NonNullable<Case['profile']>['subjectAltNames']>;

const dnsRule = { type: 'dns', source: 'request' } as const;
const upn = '1.3.6.1.4.1.311.20.2.3';

function namesOf(matter: Case): GeneralName[] {
  const value = extensionOf(approved(decideCase(matter)), idCeSubjectAltName)?.value;
  return value === undefined ? [] : decodeGeneralNames(value);
}

function take(rules: Rules, alternativeNames: GeneralName[], more: Case = {}): Case {
  return { ...more, profile: { subjectAltNames: rules, ...more.profile }, alternativeNames };
}

describe('subject alternative name rules', () => {
  const ip = (value: string): GeneralName => ({ type: 'ip', value });
  const uri = (value: string): GeneralName => ({ type: 'uri', value });
  const email = (value: string): GeneralName => ({ type: 'email', value });
  const directoryName: GeneralName = { type: 'directoryName', value: name('CN=x,O=y') };
  const registeredId: GeneralName = { type: 'registeredId', value: '1.2.3' };
  const otherName: GeneralName = { type: 'otherName', typeId: upn, value: utf8String('a@b') };
  const binaryName: GeneralName = { type: 'otherName', typeId: upn, value: smallInteger(5) };

  const good: [string, Case, GeneralName[]][] = [
    ['copies DNS names, in lower case', take([dnsRule], dns('A.Example.com', 'b')), dns('a.example.com', 'b')],
    ['drops repeated names', take([dnsRule], dns('a', 'A', 'a')), dns('a')],
    [
      'takes the longest labels',
      take([dnsRule], dns(`${'a'.repeat(63)}.${'b'.repeat(63)}`)),
      dns(`${'a'.repeat(63)}.${'b'.repeat(63)}`),
    ],
    [
      'takes a wildcard where allowed',
      take([{ ...dnsRule, wildcard: true }], dns('*.example.com')),
      dns('*.example.com'),
    ],
    ['takes A-labels', take([dnsRule], dns('xn--bcher-kva.example')), dns('xn--bcher-kva.example')],
    [
      'copies addresses',
      take([{ type: 'ip', source: 'request' }], [ip('192.0.2.1'), ip('2001:db8::1')]),
      [ip('192.0.2.1'), ip('2001:db8::1')],
    ],
    [
      'matches addresses in their canonical form',
      take([{ type: 'ip', source: 'request', pattern: '2001:db8::1' }], [ip('2001:DB8:0:0:0:0:0:1')]),
      [ip('2001:db8::1')],
    ],
    [
      'copies mailboxes',
      take([{ type: 'email', source: 'request' }], [email('a.b+c@Example.com')]),
      [email('a.b+c@Example.com')],
    ],
    [
      'copies URIs',
      take([{ type: 'uri', source: 'request' }], [uri('urn:dev:mac:0024be'), uri('spiffe://x/y')]),
      [uri('urn:dev:mac:0024be'), uri('spiffe://x/y')],
    ],
    [
      'copies directory names',
      take([{ type: 'directoryName', source: 'request', pattern: 'CN=x,.*' }], [directoryName]),
      [directoryName],
    ],
    [
      'copies registered identifiers',
      take([{ type: 'registeredId', source: 'request' }], [registeredId]),
      [registeredId],
    ],
    [
      'copies other names by their type',
      take([{ type: 'otherName', typeId: upn, source: 'request', pattern: '.+@b' }], [otherName]),
      [otherName],
    ],
    [
      'copies other names that are no text',
      take([{ type: 'otherName', typeId: upn, source: 'request' }], [binaryName]),
      [binaryName],
    ],
    [
      'makes other names of text',
      take([{ type: 'otherName', typeId: upn, source: 'fixed', value: 'a@b' }], []),
      [otherName],
    ],
    [
      'orders by the profile',
      take([{ type: 'ip', source: 'fixed', value: '192.0.2.7' }, dnsRule], dns('a')),
      [ip('192.0.2.7'), ...dns('a')],
    ],
    [
      'takes the name of the device',
      take([{ ...dnsRule, source: 'device', field: 'name' }], dns('DEVICE-1')),
      dns('device-1'),
    ],
    [
      'takes the user name of the credential',
      take([{ ...dnsRule, source: 'credential', field: 'username' }], []),
      dns('user-1'),
    ],
    [
      'drops what two sources give',
      take(
        [
          { ...dnsRule, source: 'device', field: 'name' },
          { ...dnsRule, source: 'fixed', value: 'device-1' },
        ],
        [],
      ),
      dns('device-1'),
    ],
  ];
  it.each(['https:///x', 'https://', 'https://?x', 'https://[::/', 'https://a_b/', 'https://1.2.3/', 'file:///etc'])(
    'refuse a URI with an authority that is no host (RFC 5280 4.2.1.6): %s',
    (value) => {
      expectDenied(decideCase(take([{ type: 'uri', source: 'request' }], [uri(value)])), 'rejected-name', 'host name');
    },
  );

  it.each(['https://a@[2001:db8::1]:8443/x', 'http://192.0.2.1', 'coap://Sensor-1.example?x', 'tag:example,2026:x'])(
    'take a URI with a host or without an authority: %s',
    (value) => {
      expect(decideCase(take([{ type: 'uri', source: 'request' }], [uri(value)])).outcome).toBe('approved');
    },
  );

  it.each([
    ['a TeletexString', '300d310b3009060355040314025436', 'commonName of a string type'],
    ['a PrintableString with @', '300e310c300a06035504031303614062', 'commonName of a string type'],
    ['a country of three letters', '300e310c300a06035504061303444555', 'countryName that is longer'],
    ['a value that is no string', '300c310a30080603550403020107', 'is no character string'],
    ['no attribute', '3000', 'is empty'],
  ])('refuse a directoryName, which is copied as it came, with %s (RFC 5280 4.1.2.4, A.1)', (_, hex, fragment) => {
    const value = Uint8Array.from(Buffer.from(hex, 'hex'));
    const matter = take([{ type: 'directoryName', source: 'request' }], [{ type: 'directoryName', value }]);
    expectDenied(decideCase(matter), 'rejected-name', fragment);
  });

  it.each(good)('%s', (_, matter, expected) => {
    expect(namesOf(matter)).toEqual(expected);
  });

  const bad: [string, Case, string][] = [
    ['a type that no rule names', take([dnsRule], [ip('192.0.2.1')]), 'subject alternative name ip is not taken'],
    [
      'an other name of another type',
      take([{ type: 'otherName', typeId: '1.2.3', source: 'request' }], [otherName]),
      `otherName:${upn} is not taken`,
    ],
    [
      'a type that nobody takes',
      take([dnsRule], [{ type: 'other', tag: 0xa3, der: Uint8Array.of(0xa3, 0) }]),
      'subject alternative name other is not taken',
    ],
    [
      'text patterns over what is no text',
      take([{ type: 'otherName', typeId: upn, source: 'request', pattern: '.*' }], [binaryName]),
      'is no text',
    ],
    ['a wildcard', take([dnsRule], dns('*.example.com')), 'is a wildcard'],
    ['a wildcard inside', take([{ ...dnsRule, wildcard: true }], dns('a.*.example.com')), 'is no DNS name'],
    ['a partial wildcard', take([{ ...dnsRule, wildcard: true }], dns('a*.example.com')), 'is no DNS name'],
    ['a bare wildcard', take([{ ...dnsRule, wildcard: true }], dns('*.')), 'is no DNS name'],
    ['a final dot', take([dnsRule], dns('example.com.')), 'is no DNS name'],
    ['an underscore', take([dnsRule], dns('a_b.example')), 'is no DNS name'],
    ['an empty label', take([dnsRule], dns('a..b')), 'is no DNS name'],
    ['a hyphen at the end of a label', take([dnsRule], dns('a-.b')), 'is no DNS name'],
    ['a label of 64 characters', take([dnsRule], dns('a'.repeat(64))), 'is no DNS name'],
    ['a name of 254 characters', take([dnsRule], dns(`${'a.'.repeat(126)}aa`)), 'is no DNS name'],
    ['an empty name', take([dnsRule], dns('')), 'is no DNS name'],
    ['an address as DNS name', take([dnsRule], dns('192.0.2.1')), 'looks like an IP address'],
    ['NUL', take([dnsRule], dns('a\0.example')), 'dns "a?.example" is no DNS name'],
    ['a mailbox without domain', take([{ type: 'email', source: 'request' }], [email('a@')]), 'no mailbox'],
    ['a mailbox with a name', take([{ type: 'email', source: 'request' }], [email('A <a@b>')]), 'no mailbox'],
    ['a relative URI', take([{ type: 'uri', source: 'request' }], [uri('/path')]), 'no absolute URI'],
    ['a URI with blanks', take([{ type: 'uri', source: 'request' }], [uri('urn:a b')]), 'no absolute URI'],
    [
      'a URI longer than patterns look at',
      take([{ type: 'uri', source: 'request', pattern: '.*' }], [uri(`urn:${'a'.repeat(300)}`)]),
      'does not match',
    ],
    [
      'names outside the pattern',
      take([{ ...dnsRule, pattern: '[a-z]+\\.example\\.com' }], dns('a.example.com.evil.org')),
      'does not match the pattern',
    ],
    [
      'a hundred names',
      take([dnsRule], dns(...Array.from({ length: 100 }, (_, i) => `a${i}`))),
      'asked for 100 times; profile profile takes 10',
    ],
    ['a missing required name', take([{ ...dnsRule, required: true }], []), 'dns is missing'],
    [
      'a name other than the device has',
      take([{ ...dnsRule, source: 'device', field: 'name' }], dns('other')),
      'is not what the device has',
    ],
    [
      'a device name that is no DNS name',
      take([{ ...dnsRule, source: 'device', field: 'identifiers.mac' }], []),
      'is no DNS name',
    ],
    [
      'text that is no name from a credential',
      take([{ ...dnsRule, source: 'credential', field: 'username' }], [], {
        identity: { credentials: [{ ...credential, username: 'a b' }] },
      }),
      'is no DNS name',
    ],
  ];
  it.each(bad)('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'rejected-name', fragment);
  });

  it('tells when a fixed name overrides a wish', () => {
    const decision = approved(
      decideCase(take([{ ...dnsRule, source: 'fixed', value: 'A.example' }], dns('b.example'))),
    );
    expect(decision.modified).toEqual(['subject alternative name dns is "a.example", not "b.example"']);
  });

  it('is critical exactly when the subject is empty (RFC 5280 4.1.2.6)', () => {
    const critical = (subject: string) =>
      extensionOf(approved(decideCase({ subject, alternativeNames: dns('a') })), idCeSubjectAltName)?.critical;
    expect(critical('')).toBe(true);
    expect(critical('CN=x')).toBe(false);
  });

  it.each([
    ['empty GeneralNames', Uint8Array.of(0x30, 0)],
    ['an address of 5 octets', Uint8Array.of(0x30, 7, 0x87, 5, 1, 2, 3, 4, 5)],
    ['trailing bytes', Uint8Array.of(0x30, 3, 0x82, 1, 0x61, 0)],
    ['a broken directory name', Uint8Array.of(0x30, 4, 0xa4, 2, 0x30, 1)],
  ])('refuses %s as malformed', (_, value) => {
    const extensions = [{ id: idCeSubjectAltName, critical: false, value }];
    expectDenied(decideCase({ extensions }), 'malformed-request', 'cannot be read');
  });

  it('copies an other name as the string type it came in', () => {
    const value = ia5String('a@b');
    const rules: Rules = [{ type: 'otherName', typeId: upn, source: 'request', pattern: 'a@b' }];
    expect(namesOf(take(rules, [{ type: 'otherName', typeId: upn, value }]))).toEqual([
      { type: 'otherName', typeId: upn, value },
    ]);
  });
});
