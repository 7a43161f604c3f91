import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { withPublicKey } from '../../../src/cms/key-package.js';
import { DerError } from '../../../src/x509/der.js';
import { implicit, octetString, oid, sequence, setOf, smallInteger } from '../../../src/x509/der-writer.js';
import { originalOf, partsOf } from '../../support/asn1-values.js';

const keys = [
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['Ed25519', generateKeyPairSync('ed25519')],
] as const;

function elementsOf(der: Uint8Array): Buffer[] {
  return partsOf(fromBER(der).result).map((part) => Buffer.from(originalOf(part)));
}

describe('a private key of version 2 (RFC 5958 section 2)', () => {
  it.each(keys)('is that of version 1, and the bits of the public key behind it: %s', (_, pair) => {
    const pkcs8 = pair.privateKey.export({ type: 'pkcs8', format: 'der' });
    const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
    const [version, algorithm, privateKey, publicKey, ...more] = elementsOf(withPublicKey(pkcs8, spki));
    expect(version).toEqual(Buffer.of(2, 1, 1));
    expect([algorithm, privateKey]).toEqual(elementsOf(pkcs8).slice(1, 3));
    expect(publicKey).toEqual(Buffer.from(implicit(1, elementsOf(spki)[1] ?? new Uint8Array())));
    expect(more).toEqual([]);
  });

  it('keeps attributes in their place', () => {
    const attributes = Buffer.from(implicit(0, setOf(sequence(oid('1.2.3'), setOf(smallInteger(1))))));
    const pkcs8 = sequence(smallInteger(0), sequence(oid('1.3.101.112')), octetString(new Uint8Array(3)), attributes);
    const [, { publicKey }] = keys[2];
    const der = withPublicKey(pkcs8, publicKey.export({ type: 'spki', format: 'der' }));
    expect(elementsOf(der)).toHaveLength(5);
    expect(elementsOf(der)[3]).toEqual(attributes);
  });

  it('is not made of anything else', () => {
    expect(() => withPublicKey(sequence(), sequence())).toThrow(DerError);
  });
});
