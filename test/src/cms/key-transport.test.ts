import { describe, expect, it } from '@jest/globals';
import { decodeKeyTransport, keyTransportIdentifiers } from '../../../src/cms/key-transport.js';
import { DerError } from '../../../src/x509/der.js';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

const sha256 = '30 0b 06 09 60 86 48 01 65 03 04 02 01';
const sha256WithNull = '30 0d 06 09 60 86 48 01 65 03 04 02 01 05 00';
const maskSha256 = `a1 1a 30 18 06 09 2a 86 48 86 f7 0d 01 01 08 ${sha256}`;
const pSpecified = '06 09 2a 86 48 86 f7 0d 01 01 09';

describe('key transport algorithms (RFC 3370 section 4.2.1, RFC 4055 section 4.1)', () => {
  it('read what they write', () => {
    for (const [name, identifier] of Object.entries(keyTransportIdentifiers)) {
      expect(decodeKeyTransport(identifier)).toBe(name);
    }
  });

  it.each([
    ['rsaEncryption without parameters', '30 0b 06 09 2a 86 48 86 f7 0d 01 01 01', 'rsa-pkcs1'],
    ['OAEP without parameters', '30 0b 06 09 2a 86 48 86 f7 0d 01 01 07', 'rsa-oaep-sha1'],
    [
      'OAEP with NULL behind the hash',
      `30 3c 06 09 2a 86 48 86 f7 0d 01 01 07 30 2f a0 0f ${sha256WithNull}
        a1 1c 30 1a 06 09 2a 86 48 86 f7 0d 01 01 08 ${sha256WithNull}`,
      'rsa-oaep-sha256',
    ],
    [
      'OAEP with the empty label written out',
      `30 1e 06 09 2a 86 48 86 f7 0d 01 01 07 30 11 a2 0f 30 0d ${pSpecified} 04 00`,
      'rsa-oaep-sha1',
    ],
  ])('are read from %s', (_, identifier, name) => {
    expect(decodeKeyTransport(hex(identifier))).toBe(name);
  });

  it.each([
    ['rsaEncryption with other parameters', '30 0e 06 09 2a 86 48 86 f7 0d 01 01 01 02 01 01'],
    ['OAEP with another hash in MGF1', `30 1c 06 09 2a 86 48 86 f7 0d 01 01 07 30 0f a0 0d ${sha256}`],
    ['OAEP with another hash than in MGF1', `30 29 06 09 2a 86 48 86 f7 0d 01 01 07 30 1c ${maskSha256}`],
    ['OAEP with a label', `30 1f 06 09 2a 86 48 86 f7 0d 01 01 07 30 12 a2 10 30 0e ${pSpecified} 04 01 61`],
    ['RSA-KEM', '30 0d 06 0b 2a 86 48 86 f7 0d 01 09 10 03 0e'],
  ])('refuse %s', (_, identifier) => {
    expect(() => decodeKeyTransport(hex(identifier))).toThrow(expect.objectContaining({ problem: 'unsupported' }));
  });

  it('refuse malformed parameters', () => {
    expect(() => decodeKeyTransport(hex('30 0e 06 09 2a 86 48 86 f7 0d 01 01 07 30 01'))).toThrow(DerError);
    expect(() => decodeKeyTransport(hex('30 0d 06 09 2a 86 48 86 f7 0d 01 01 07 05 00'))).toThrow(DerError);
  });
});
