import { describe, expect, it } from '@jest/globals';
import { encodeExtension, isExtension } from '../../../src/x509/extensions.js';
import { idCeKeyUsage, idCeSubjectAltName } from '../../../src/x509/oids.js';

describe('an encoded Extension (RFC 5280 4.1)', () => {
  // Lengths of one octet, of two and of three.
  it.each([0, 100, 130, 300])('is told by its identifier, however long it is: %i octets', (length) => {
    const der = encodeExtension({ id: idCeSubjectAltName, critical: length > 100, value: new Uint8Array(length) });
    expect(isExtension(der, idCeSubjectAltName)).toBe(true);
    expect(isExtension(der, idCeKeyUsage)).toBe(false);
  });

  it('is not taken for one whose identifier only begins so, or for one that it has inside', () => {
    const inside = encodeExtension({ id: idCeSubjectAltName, critical: false, value: new Uint8Array(2) });
    const der = encodeExtension({ id: `${idCeSubjectAltName}.1`, critical: false, value: inside });
    expect(isExtension(der, idCeSubjectAltName)).toBe(false);
    expect(isExtension(Uint8Array.of(), idCeSubjectAltName)).toBe(false);
  });
});
