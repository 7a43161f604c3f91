import { describe, expect, it } from '@jest/globals';
import { DerError } from '../../../src/x509/der.js';
import {
  encodeHardwareModule,
  encodePermanentIdentifier,
  readHardwareModule,
  readPermanentIdentifier,
} from '../../../src/x509/device-names.js';
import { hardwareModuleName, permanentIdentifier } from '../../support/acme/device-names.js';

const assignerHex = '2b0601040183b20302';
const assigner = '1.3.6.1.4.1.55555.2';

describe('PermanentIdentifier (RFC 4043 2)', () => {
  it.each([
    ['both of its fields', permanentIdentifier('SN-1', assignerHex), { value: 'SN-1', assigner }],
    ['a value', permanentIdentifier('Prüfgerät 7'), { value: 'Prüfgerät 7' }],
    ['an assigner', permanentIdentifier(undefined, assignerHex), { assigner }],
    ['nothing', permanentIdentifier(), {}],
  ])('is read and written with %s', (_, der, name) => {
    expect(readPermanentIdentifier(der)).toEqual(name);
    expect(Buffer.from(encodePermanentIdentifier(name))).toEqual(Buffer.from(der));
  });

  it.each([
    ['an empty value', permanentIdentifier('')],
    ['a value that is not UTF-8', Buffer.from('30030c01ff', 'hex')],
    ['a value of another string type', Buffer.from('300413025352', 'hex')],
    ['fields in the wrong order', Buffer.from('300706022b060c0141', 'hex')],
    ['a second value', Buffer.from('30060c01410c0142', 'hex')],
    ['trailing bytes', Buffer.concat([permanentIdentifier('SN-1'), Buffer.of(0)])],
    ['no SEQUENCE', Buffer.from('0c0141', 'hex')],
  ])('is refused with %s', (_, der) => {
    expect(() => readPermanentIdentifier(der)).toThrow(DerError);
  });
});

describe('HardwareModuleName (RFC 4108 5)', () => {
  it('is read and written as type and serial number', () => {
    const der = hardwareModuleName('00a1ff');
    expect(readHardwareModule(der)).toBe('1.3.6.1.4.1.55555.1:00a1ff');
    expect(Buffer.from(encodeHardwareModule('1.3.6.1.4.1.55555.1:00a1ff'))).toEqual(Buffer.from(der));
  });

  it.each([
    ['an empty serial number', hardwareModuleName('')],
    ['no serial number', Buffer.from('300406022b06', 'hex')],
    ['more than that', Buffer.from('300906022b0604010105 00'.replace(' ', ''), 'hex')],
    ['trailing bytes', Buffer.concat([hardwareModuleName('01'), Buffer.of(0)])],
  ])('is refused with %s', (_, der) => {
    expect(() => readHardwareModule(der)).toThrow(DerError);
  });

  it.each(['1.2.3', '1.2.3:', '1.2.3:A1', '1.2.3:a', ':a1', '9.9:a1', '1.2.3:a1:b2', ' 1.2.3:a1'])(
    'is not written from %p',
    (text) => {
      expect(() => encodeHardwareModule(text)).toThrow(RangeError);
    },
  );
});
