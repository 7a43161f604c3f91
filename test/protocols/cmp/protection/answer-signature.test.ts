import { describe, expect, it } from '@jest/globals';
import { answerSignature } from '../../../../protocols/cmp/protection/answer-signature.js';
import { type MessageSignatureName, messageSignatureNames } from '../../../../src/model/message-protection.js';
import { decodeMessageSignatureAlgorithm } from '../../../../src/x509/message-signatures.js';
import { type SignatureName, signatureIdentifier } from '../../../support/cmp/signatures.js';

const asked = (name: SignatureName | undefined) =>
  name === undefined ? undefined : decodeMessageSignatureAlgorithm(signatureIdentifier(name));

describe('the signature of an answer', () => {
  it.each<[string, 'rsa' | 'ec' | 'ed25519', SignatureName | undefined, readonly MessageSignatureName[], string]>([
    ['has the digest and padding of the request', 'rsa', 'rsa-pss-sha3-256', messageSignatureNames, 'rsa-pss-sha3-256'],
    ['has the other padding where only that is accepted', 'rsa', 'ecdsa-sha384', ['rsa-pss-sha384'], 'rsa-pss-sha384'],
    ['has no digest that is not accepted', 'ec', 'rsa-sha3-256', ['rsa-sha3-256', 'ecdsa-sha256'], 'ecdsa-sha256'],
    ['has the usual digest that is accepted', 'ec', 'rsa-sha3-256', ['rsa-sha3-256', 'ecdsa-sha512'], 'ecdsa-sha512'],
    ['is never by SHA-1', 'ec', 'ecdsa-sha1', messageSignatureNames, 'ecdsa-sha256'],
    ['is plain instead of PSS by SHA-1', 'rsa', 'rsa-pss-sha1', messageSignatureNames, 'rsa-sha256'],
    ['is by SHA-256 for EdDSA, which names no digest', 'rsa', 'ed448', messageSignatureNames, 'rsa-sha256'],
    ['of nobody knows what is by SHA-256', 'ec', undefined, messageSignatureNames, 'ecdsa-sha256'],
    ['of nobody knows what is one that is accepted', 'ec', undefined, ['ecdsa-sha384'], 'ecdsa-sha384'],
    ['of nobody knows what is PSS only where that is demanded', 'rsa', undefined, ['rsa-pss-sha512'], 'rsa-pss-sha512'],
    [
      'of nobody knows what is by SHA-3 only where that is demanded',
      'ec',
      undefined,
      ['ecdsa-sha3-384'],
      'ecdsa-sha3-384',
    ],
    ['has to be one of the key, accepted or not', 'ec', 'rsa-sha512', ['rsa-sha512'], 'ecdsa-sha256'],
    ['by an Ed25519 key is what such keys make', 'ed25519', 'rsa-sha512', ['rsa-sha512'], 'ed25519'],
  ])('%s', (_, key, request, accepted, name) => {
    expect(answerSignature(key, asked(request), accepted).name).toBe(name);
  });

  it('has a salt of the length of its digest, whatever the request has (RFC 4055 3.1)', () => {
    for (const saltLength of [0, 20, 222]) {
      const request = { key: 'rsa', hash: 'sha256', pss: { saltLength } } as const;
      const { identifier } = answerSignature('rsa', request, messageSignatureNames);
      expect(identifier).toEqual(signatureIdentifier('rsa-pss-sha256'));
    }
  });
});
