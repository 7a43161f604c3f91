import { describe, expect, it } from '@jest/globals';
import { deviceNameOf } from '../../../src/policy/device-name.js';
import { credential, dns, name, subjectAltName } from './make-case.js';

const nobody = { requester: 'passcode:c1', credentials: [] };
const wish = { subject: name('CN=cn,serialNumber=sn'), extensions: [] };

describe('deviceNameOf', () => {
  it('prefers the device registered with a credential', () => {
    const identity = {
      ...nobody,
      credentials: [credential, { ...credential, registeredValues: { device: 'registered' } }],
      certificateSubject: name('CN=factory'),
    };
    expect(deviceNameOf({ identity, requested: wish })).toBe('registered');
  });

  it('else takes what an ACME account calls its device, where that is fit for a name', () => {
    const attested = { ...nobody, deviceIdentifier: 'Serial-1' };
    const registered = { ...credential, registeredValues: { device: 'registered' } };
    expect(deviceNameOf({ identity: attested, requested: wish })).toBe('Serial-1');
    expect(deviceNameOf({ identity: { ...attested, credentials: [registered] }, requested: wish })).toBe('registered');
    expect(deviceNameOf({ identity: { ...nobody, deviceIdentifier: 'a\0b' }, requested: wish })).toBe('sn');
  });

  it.each([
    ['the common name, as it was proved', 'CN=HOST.example,serialNumber=sn', ['b.example'], 'host.example'],
    ['the first alternative name that is one', 'CN=cn,serialNumber=sn', ['c.example', 'b.example'], 'b.example'],
    ['what is asked for where none is one', 'CN=cn', ['c.example'], 'cn'],
  ])('takes of an account’s proved names %s', (_, subject, alternatives, expected) => {
    const provedIdentifiers = ['host.example', 'b.example'].map((value) => ({ type: 'dns' as const, value }));
    const requested = { subject: name(subject), extensions: [subjectAltName(dns(...alternatives))] };
    expect(deviceNameOf({ identity: { ...nobody, provedIdentifiers }, requested })).toBe(expected);
  });

  it.each([
    ['serial number of the authenticating certificate', 'CN=c,serialNumber=s', 's'],
    ['common name of the authenticating certificate', 'CN=c', 'c'],
    ['the request when the certificate names nobody', 'O=x', 'sn'],
  ])('takes %s', (_, subject, expected) => {
    expect(deviceNameOf({ identity: { ...nobody, certificateSubject: name(subject) }, requested: wish })).toBe(
      expected,
    );
  });

  it.each([
    ['serial number', wish, 'sn'],
    ['common name', { ...wish, subject: name('O=o,CN=cn') }, 'cn'],
    [
      'first DNS name, in lower case',
      { subject: name(''), extensions: [subjectAltName([{ type: 'email', value: 'a@b' }, ...dns('A.example')])] },
      'a.example',
    ],
    ['address', { subject: name(''), extensions: [subjectAltName([{ type: 'ip', value: '192.0.2.1' }])] }, '192.0.2.1'],
  ])('else takes the requested %s', (_, requested, expected) => {
    expect(deviceNameOf({ identity: nobody, requested })).toBe(expected);
  });

  it.each([
    ['nothing', { subject: name(''), extensions: [] }],
    [
      'unreadable names',
      { subject: Uint8Array.of(1, 2), extensions: [{ id: '2.5.29.17', critical: false, value: Uint8Array.of(0x30) }] },
    ],
    ['control characters', { subject: name('CN=a\\00b'), extensions: [] }],
    ['a very long name', { subject: name(`CN=${'x'.repeat(256)}`), extensions: [] }],
  ])('finds none in %s', (_, requested) => {
    expect(deviceNameOf({ identity: nobody, requested })).toBeUndefined();
  });
});
