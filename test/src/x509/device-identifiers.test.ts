import { describe, expect, it } from '@jest/globals';
import { hardwareModuleName, permanentIdentifier } from '../../../src/x509/device-identifiers.js';
import { encodeGeneralName } from '../../../src/x509/general-names.js';

describe('names of devices and their hardware', () => {
  it.each([
    ['a PermanentIdentifier (RFC 4043)', permanentIdentifier('S1'), 'a012 06082b06010505070803 a006 3004 0c025331'],
    [
      'a HardwareModuleName (RFC 4108 5)',
      hardwareModuleName('1.3.6.1.4.1.99999.1', Buffer.from([10, 11])),
      'a01d 06082b06010505070804 a011 300f 06092b06010401868d1f01 04020a0b',
    ],
  ])('have %s', (_, name, hex) => {
    expect(Buffer.from(encodeGeneralName(name)).toString('hex')).toBe(hex.replaceAll(' ', ''));
  });
});
