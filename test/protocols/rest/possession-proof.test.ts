import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { possessionText, readProvenKey } from '../../../protocols/rest/possession-proof.js';

// A fixed key and a signature over the text below that openssl has made.
const publicKey = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE27ySDxeXIxsHIGfFBHAKuD/Fz0+z
KdWb1RxNcZBUBLYopzbyN1EbBNduiQpgMKPLHWL2PjsO+oHFu+I+Eb5Q9g==
-----END PUBLIC KEY-----
`;
const proof = 'MEUCIG2zfixatszwcS5wXOYOo1JtW29LI5Mcs/gzA5Ofe7+FAiEAl3CQ8+bwplwFMrw278CkBw6IjJnTL0jTYTsWNuvT63A=';
const text = `gatehouse possession proof 1
enroll
quickstart~gates
key:a4ab929693d281e550b4d5e69f164e3b9a161ad9eb0a1ea64eca20f91e49a552
subject:CN=gäte-1,O=Plant
dns:gate-1.example
dns:gate.example
ip:10.0.0.1
email:gate@example.com
uri:urn:gate:1
profile:device
notAfter:2030-01-01T00:00:00Z
`;
const request = {
  subject: 'CN=gäte-1,O=Plant',
  subjectAltNames: {
    uri: ['urn:gate:1'],
    dns: ['gate-1.example', 'gate.example'],
    email: ['gate@example.com'],
    ip: ['10.0.0.1'],
  },
  profile: 'device',
  notAfter: '2030-01-01T00:00:00Z',
};
const place = { operation: 'enroll', label: 'quickstart~gates' } as const;

describe('The proof of possession of a public key', () => {
  it('is over these very lines', () => {
    const spki = Buffer.from(publicKey.split('\n').slice(1, -2).join(''), 'base64');
    expect(possessionText(request, spki, place)).toBe(text);
    expect(possessionText({}, spki, place).split('\n').slice(4)).toEqual(['subject:', '']);
  });

  it('is what openssl dgst -sha256 -sign makes of them', () => {
    expect(readProvenKey({ ...request, publicKey, proof }, place)).toMatchObject({ requestHash: 'sha256' });
    expect(() => readProvenKey({ ...request, subject: 'CN=gate-2', publicKey, proof }, place)).toThrow(
      expect.objectContaining({ code: 'invalid-proof-of-possession' }),
    );
  });

  it('is refused where the key is of another kind than its signature', () => {
    const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => readProvenKey({ ...request, publicKey: other, proof }, place)).toThrow(
      expect.objectContaining({ code: 'invalid-proof-of-possession' }),
    );
  });
});
