import { describe, expect, it } from '@jest/globals';
import { decodeKeyDeliveryWishes } from '../../../protocols/est/key-delivery-attributes.js';
import { GatewayError } from '../../../src/errors.js';
import { octetString, oid, sequence } from '../../../src/x509/der-writer.js';

const identifier = Uint8Array.of(1, 2, 3);
const decryptKeyId = { type: '1.2.840.113549.1.9.16.2.37', values: [octetString(identifier)] };
const asymmDecryptKeyId = { type: '1.2.840.113549.1.9.16.2.54', values: [octetString(identifier)] };
const smimeCapabilities = {
  type: '1.2.840.113549.1.9.15',
  values: [sequence(sequence(oid('2.16.840.1.101.3.4.1.42')))],
};
const unrelated = { type: '1.2.840.113549.1.9.7', values: [] };

describe('CSR attributes about the delivery of a key (RFC 7030 section 4.4.1)', () => {
  it('name a secret key and the capabilities', () => {
    expect(decodeKeyDeliveryWishes([unrelated, decryptKeyId, smimeCapabilities])).toEqual({
      decryptKeyIdentifier: identifier,
      capabilities: [{ id: '2.16.840.1.101.3.4.1.42', parameters: undefined }],
    });
  });

  it('name a public key', () => {
    expect(decodeKeyDeliveryWishes([asymmDecryptKeyId])).toEqual({
      asymmetricDecryptKeyIdentifier: identifier,
      capabilities: [],
    });
  });

  it('may be absent', () => {
    expect(decodeKeyDeliveryWishes([unrelated])).toEqual({ capabilities: [] });
  });

  it.each([
    ['both kinds of keys', [decryptKeyId, asymmDecryptKeyId]],
    ['two identifiers', [decryptKeyId, decryptKeyId]],
    ['an attribute with two values', [{ ...decryptKeyId, values: [octetString(identifier), octetString(identifier)] }]],
    ['an empty identifier', [{ ...decryptKeyId, values: [octetString()] }]],
    ['an identifier of 257 octets', [{ ...decryptKeyId, values: [octetString(new Uint8Array(257))] }]],
    ['an identifier of another type', [{ ...decryptKeyId, values: [sequence()] }]],
    ['malformed capabilities', [{ ...smimeCapabilities, values: [sequence(octetString())] }]],
  ])('are malformed with %s', (_, attributes) => {
    const act = () => decodeKeyDeliveryWishes(attributes);
    expect(act).toThrow(GatewayError);
    expect(act).toThrow(expect.objectContaining({ code: 'malformed-request' }));
  });
});
