import { describe, expect, it } from '@jest/globals';
import { type Case, decideCase, device, expectDenied, group, now } from '../make-case.js';

const issued = {
  der: Uint8Array.of(),
  issuerId: 'ca-1',
  serialNumber: '0a',
  policy: 'policy',
  usage: 'operational',
  notAfter: now,
};

describe('device rule', () => {
  const good: [string, Case][] = [
    ['a device on record', {}],
    ['a new device', { isNewDevice: true }],
    [
      'a registered device, where only those may',
      { policy: { devices: 'registered' }, facts: { device: { ...device, state: 'registered' } } },
    ],
    ['a device on record in a disabled group', { facts: { group: { ...group, enabled: false } } }],
    ['a device of another group when the label names none', { facts: { device: { ...device, group: 'gateways' } } }],
    [
      'the holder of a certificate of this device',
      { identity: { issuedCertificate: { ...issued, deviceId: device.id } } },
    ],
  ];
  it.each(good)('takes %s', (_, matter) => {
    expect(decideCase(matter).outcome).toBe('approved');
  });

  const bad: [string, Case, string][] = [
    ['a suspended device', { facts: { device: { ...device, state: 'suspended' } } }, 'is suspended'],
    ['a retired device', { facts: { device: { ...device, state: 'retired' } } }, 'is retired'],
    [
      'a new device where only registered ones may',
      { isNewDevice: true, policy: { devices: 'registered' } },
      '"device-1" is not registered',
    ],
    [
      'a new device in a disabled group',
      { isNewDevice: true, facts: { group: { ...group, enabled: false } } },
      'takes no new devices',
    ],
    [
      'a device of another group than the label names',
      { facts: { isGroupNamed: true, device: { ...device, group: 'gateways' } } },
      'is not in group devices',
    ],
    ['a device of another division', { facts: { device: { ...device, division: 'other' } } }, 'another division'],
    [
      "the holder of another device's certificate",
      { identity: { issuedCertificate: { ...issued, deviceId: 'other' } } },
      'of another device',
    ],
    [
      "the holder of a vanished device's certificate",
      { isNewDevice: true, identity: { issuedCertificate: { ...issued, deviceId: 'gone' } } },
      'not on record',
    ],
    ['a disabled policy', { policy: { enabled: false } }, 'is disabled'],
    ['a service certificate for a device', { facts: { usage: 'service' } }, 'for the gateway itself'],
    ['a device certificate for the gateway', { identity: { requester: 'gateway' } }, 'for the gateway itself'],
    [
      'a key made by the gateway where only devices make them',
      { input: { gatewayMadeKey: true } },
      'keys made by the gateway',
    ],
    [
      'a key made by the device where only the gateway makes them',
      { policy: { keyGeneration: ['gateway'] } },
      'keys made by the device',
    ],
  ];
  it.each(bad)('refuses %s', (_, matter, fragment) => {
    expectDenied(decideCase(matter), 'forbidden', fragment);
  });

  it('refuses a request that names no device', () => {
    expectDenied(decideCase({ isNewDevice: true, isNameless: true }), 'rejected-name', 'which device');
  });
});
