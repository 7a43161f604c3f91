import { describe, expect, it } from '@jest/globals';
import {
  boolean,
  ia5String,
  octetString,
  oid,
  printableString,
  sequence,
  smallInteger,
  utf8String,
} from '../../../../src/x509/der-writer.js';
import { encodeExtension } from '../../../../src/x509/extensions.js';
import { decodeCertificatePolicies, encodeQualifiedPolicies } from '../../../../src/x509/location-extensions.js';
import { approved, type Case, credential, decideCase, expectDenied, extensionOf, extensionsOf } from '../make-case.js';

const id = '1.2.3.4';
type Rule = NonNullable<NonNullable<Case['profile']>['extensions']>[number];

function take(rule: Omit<Rule, 'id'>, value?: Uint8Array, more: Case = {}): Case {
  const extensions = value === undefined ? [] : [{ id, critical: true, value }];
  return { ...more, profile: { extensions: [{ ...rule, id }] }, extensions };
}

describe('extension rules', () => {
  const good: [string, Case, Uint8Array | undefined][] = [
    ['copies text', take({ source: 'request' }, utf8String('a')), utf8String('a')],
    ['encodes text anew, as the profile says', take({ source: 'request' }, printableString('a')), utf8String('a')],
    [
      'copies integers',
      take({ source: 'request', encoding: 'integer', pattern: '[0-9]{3}' }, smallInteger(500)),
      smallInteger(500),
    ],
    [
      'copies octets',
      take({ source: 'request', encoding: 'octets', pattern: '0aff' }, octetString(Uint8Array.of(10, 255))),
      octetString(Uint8Array.of(10, 255)),
    ],
    [
      'copies DER whole',
      take({ source: 'request', encoding: 'der' }, sequence(oid('1.2'), boolean(true))),
      sequence(oid('1.2'), boolean(true)),
    ],
    ['gives a fixed value', take({ source: 'fixed', value: 'x', encoding: 'ia5' }), ia5String('x')],
    ['gives a fixed integer', take({ source: 'fixed', value: '128', encoding: 'integer' }), smallInteger(128)],
    ['gives fixed DER', take({ source: 'fixed', value: '0500', encoding: 'der' }), Uint8Array.of(5, 0)],
    ['gives a value of the device', take({ source: 'device', field: 'attributes.site' }), utf8String('Ulm')],
    [
      'gives a value of the credential',
      take({ source: 'credential', field: 'name', encoding: 'printable' }),
      printableString('pass-1'),
    ],
    ['leaves out what is optional', take({ source: 'request' }), undefined],
    ['leaves out what the device lacks', take({ source: 'device', field: 'attributes.none' }), undefined],
    [
      "takes a wish that is the device's value",
      take({ source: 'device', field: 'attributes.site' }, utf8String('Ulm')),
      utf8String('Ulm'),
    ],
  ];
  it.each(good)('%s', (_, matter, expected) => {
    const decision = approved(decideCase(matter));
    expect(extensionOf(decision, id)?.value).toEqual(expected);
    expect(decision.modified).toEqual([]);
  });

  it('takes the criticality from the profile, not from the request', () => {
    const critical = (rule: boolean) =>
      extensionOf(approved(decideCase(take({ source: 'request', critical: rule }, utf8String('a')))), id)?.critical;
    expect(critical(true)).toBe(true);
    expect(critical(false)).toBe(false);
  });

  const bad: [string, string, Case, string][] = [
    [
      'an extension that no rule names',
      'rejected-profile',
      { extensions: [{ id: '1.2.3.9', critical: false, value: utf8String('a') }] },
      'extension 1.2.3.9 is not taken',
    ],
    [
      'name constraints',
      'rejected-profile',
      { extensions: [{ id: '2.5.29.30', critical: true, value: Uint8Array.of(0x30, 0) }] },
      'extension 2.5.29.30 is not taken',
    ],
    [
      'a value outside the pattern',
      'rejected-profile',
      take({ source: 'request', pattern: 'b' }, utf8String('a')),
      '"a" does not match',
    ],
    ['a missing required value', 'rejected-profile', take({ source: 'request', required: true }), 'is missing'],
    [
      'a required value that the device lacks',
      'rejected-profile',
      take({ source: 'device', field: 'attributes.none', required: true }),
      'the device does not give it',
    ],
    [
      'a wish other than the device has',
      'rejected-profile',
      take({ source: 'device', field: 'attributes.site' }, utf8String('Bonn')),
      'not what the device has',
    ],
    [
      'a wish where the device has nothing',
      'rejected-profile',
      take({ source: 'device', field: 'attributes.none' }, utf8String('Bonn')),
      'not what the device has',
    ],
    ['control characters', 'rejected-profile', take({ source: 'request' }, utf8String('a\0')), 'control'],
    [
      'a value that does not fit the encoding',
      'rejected-profile',
      take({ source: 'request', encoding: 'printable' }, utf8String('a_b')),
      'does not fit the encoding printable',
    ],
    [
      'a credential value that does not fit the encoding',
      'rejected-profile',
      take({ source: 'credential', field: 'username', encoding: 'ia5' }, undefined, {
        identity: { credentials: [{ ...credential, username: 'ä' }] },
      }),
      'does not fit',
    ],
    [
      'a value of another type',
      'malformed-request',
      take({ source: 'request', encoding: 'integer' }, utf8String('5')),
      'cannot be read',
    ],
    [
      'a negative integer',
      'malformed-request',
      take({ source: 'request', encoding: 'integer' }, Uint8Array.of(2, 1, 0xff)),
      'cannot be read',
    ],
    [
      'two values in one',
      'malformed-request',
      take({ source: 'request', encoding: 'der' }, Uint8Array.of(5, 0, 5, 0)),
      'cannot be read',
    ],
    [
      'a very long value',
      'malformed-request',
      take({ source: 'request', encoding: 'der' }, octetString(new Uint8Array(5000))),
      'too long',
    ],
    [
      'one extension twice',
      'malformed-request',
      { extensions: [1, 2].map(() => ({ id, critical: false, value: utf8String('a') })) },
      'twice',
    ],
  ];
  it.each(bad)('refuses %s', (_, code, matter, fragment) => {
    expectDenied(decideCase(matter), code, fragment);
  });

  it('tells when a fixed value overrides a wish', () => {
    const decision = approved(decideCase(take({ source: 'fixed', value: 'x' }, utf8String('y'))));
    expect(decision.modified).toEqual(["extension 1.2.3.4 has the profile's value"]);
    expect(extensionOf(decision, id)?.value).toEqual(utf8String('x'));
  });

  it('leaves other extensions out and tells so, where the profile says ignore', () => {
    const extensions = [{ id: '1.2.3.9', critical: true, value: Uint8Array.of(0xff) }];
    const decision = approved(decideCase({ profile: { otherExtensions: 'ignore' }, extensions }));
    expect(decision.modified).toEqual(['extension 1.2.3.9 is left out']);
    expect(extensionOf(decision, '1.2.3.9')).toBeUndefined();
  });

  it('ignores requested key identifiers, whatever they hold', () => {
    const extensions = ['2.5.29.14', '2.5.29.35'].map((key) => ({
      id: key,
      critical: false,
      value: Uint8Array.of(0xff),
    }));
    const decision = approved(decideCase({ extensions }));
    expect(decision.modified).toEqual([]);
    expect(extensionsOf(decision).map((extension) => extension.id)).toEqual(['2.5.29.15', '2.5.29.37']);
  });

  it('puts in the certificate policies of the profile', () => {
    const decision = approved(decideCase({ profile: { certificatePolicies: ['1.2.3.7'] } }));
    expect(decodeCertificatePolicies(extensionOf(decision, '2.5.29.32')?.value ?? Uint8Array.of())).toEqual([
      '1.2.3.7',
    ]);
  });

  it('lets them lead to the practice statement of the CA, where it has one', () => {
    const cps = 'http://gate.example/cps/ca';
    const decision = approved(
      decideCase({ profile: { certificatePolicies: ['1.2.3.7', '1.2.3.8'] }, issuer: { cps } }),
    );
    expect(extensionOf(decision, '2.5.29.32')).toMatchObject({
      critical: false,
      value: encodeQualifiedPolicies([
        { id: '1.2.3.7', cps },
        { id: '1.2.3.8', cps },
      ]),
    });
  });

  it('encodes each extension once and whole', () => {
    const { issuance } = approved(decideCase(take({ source: 'fixed', value: 'x', critical: true })));
    expect(issuance.extensions.at(-1)).toEqual(encodeExtension({ id, critical: true, value: utf8String('x') }));
  });
});
