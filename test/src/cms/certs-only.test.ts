import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeCertsOnly, encodeCertsOnly } from '../../../src/cms/certs-only.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { DerError } from '../../../src/x509/der.js';
import { createIdentity, createOpenSsl, type Identity, type OpenSsl } from './openssl.js';

let openssl: OpenSsl;
let first: Identity;
let second: Identity;

beforeAll(() => {
  openssl = createOpenSsl();
  first = createIdentity(openssl, 'zulu', 'P-384');
  second = createIdentity(openssl, 'alpha', 'P-256');
});
afterAll(() => openssl.remove());

describe('certs-only messages (RFC 5652 section 5.1, RFC 5272 section 4.1)', () => {
  it('are read by openssl, in the order given', () => {
    openssl.write('certs.p7', encodeCertsOnly([first.certificate, second.certificate]));
    const printed = openssl.run('pkcs7', '-inform', 'DER', '-in', 'certs.p7', '-print_certs').toString();
    expect([...printed.matchAll(/subject=CN = (\w+)/g)].map(([, name]) => name)).toEqual(['zulu', 'alpha']);
  });

  it('have version 1, id-data without content, no digests and no signers', () => {
    expect(Buffer.from(encodeCertsOnly([])).toString('hex')).toBe(
      '302306092a864886f70d010702a016301402010131003 00b06092a864886f70d0107013100'.replace(' ', ''),
    );
  });

  it('are decoded to what was encoded, CRLs included', () => {
    const crl = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x01);
    const der = encodeCertsOnly([first.certificate, second.certificate], [crl]);
    expect(decodeCertsOnly(der)).toEqual([first.certificate, second.certificate]);
    expect(decodeSignedData(der).crls).toEqual([crl]);
    expect(decodeSignedData(der).signers).toEqual([]);
    expect(decodeSignedData(der).content).toBeUndefined();
  });

  it('are read when openssl made them', () => {
    openssl.run(
      'crl2pkcs7',
      '-nocrl',
      '-certfile',
      'zulu.pem',
      '-certfile',
      'alpha.pem',
      '-outform',
      'DER',
      '-out',
      'theirs.p7',
    );
    expect(decodeCertsOnly(openssl.read('theirs.p7'))).toEqual([first.certificate, second.certificate]);
  });

  it('hold at most 32 certificates', () => {
    const many = (count: number) => encodeCertsOnly(Array.from({ length: count }, () => first.certificate));
    expect(decodeCertsOnly(many(32))).toHaveLength(32);
    expect(() => decodeCertsOnly(many(33))).toThrow(DerError);
  });
});
