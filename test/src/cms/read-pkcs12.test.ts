import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CmsError } from '../../../src/cms/cms-error.js';
import { WrongPasswordError } from '../../../src/cms/decrypt-by-password.js';
import { encryptPrivateKey } from '../../../src/cms/encrypted-private-key.js';
import { encodePkcs12 } from '../../../src/cms/pkcs12.js';
import { derivePkcs12Octets } from '../../../src/cms/pkcs12-kdf.js';
import { decryptPrivateKey, readPkcs12 } from '../../../src/cms/read-pkcs12.js';
import { DerError } from '../../../src/x509/der.js';
import { nullValue, octetString, oid, sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { toPem } from '../../../src/x509/pem.js';
import { withOpenssl } from '../../support/openssl-folder.js';

const privateKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
const certificate = sequence(octetString(Uint8Array.of(1)));
const chain = [sequence(octetString(Uint8Array.of(2)))];
const password = 'Grüße';
let file: Uint8Array;

beforeAll(async () => {
  file = await encodePkcs12({ privateKey, certificate, chain, password });
});

describe('PKCS #12 that is read (RFC 7292)', () => {
  it('gives what was written: key and certificates, in their order', async () => {
    const content = await readPkcs12(file, password);
    expect(Buffer.from(content.privateKey)).toEqual(Buffer.from(privateKey));
    expect(content.certificates.map((der) => Buffer.from(der))).toEqual(
      [certificate, ...chain].map((der) => Buffer.from(der)),
    );
  });

  it('opens under no other password, and under the empty one in both of its forms (B.1)', async () => {
    for (const wrong of ['', 'grüße', '\ud800'])
      await expect(readPkcs12(file, wrong)).rejects.toThrow(WrongPasswordError);
    await withOpenssl(async (openssl) => {
      openssl.write('key', toPem('PRIVATE KEY', privateKey));
      const empty = openssl.run('pkcs12', '-export', '-nocerts', '-inkey', 'key', '-passout', 'pass:');
      expect(Buffer.from((await readPkcs12(empty, '')).privateKey)).toEqual(Buffer.from(privateKey));
    });
  });

  it('is refused where a bit of it is changed, and never fails in another way (property)', async () => {
    const bit = fc.nat({ max: file.length * 8 - 1 });
    await fc.assert(
      fc.asyncProperty(bit, async (at) => {
        const changed = Uint8Array.from(file);
        changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
        const error = await readPkcs12(changed, password).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const isProper = error instanceof DerError || error instanceof CmsError || error instanceof WrongPasswordError;
        expect(isProper).toBe(true);
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  it('that is truncated is refused', async () => {
    for (const length of [0, 1, 10, file.length - 1]) {
      await expect(readPkcs12(file.subarray(0, length), password)).rejects.toThrow();
    }
  });
});

describe('An encrypted private key that is read (RFC 5958)', () => {
  it('gives the key that was encrypted, under its password alone', async () => {
    const encrypted = await encryptPrivateKey(privateKey, password);
    expect(Buffer.from(await decryptPrivateKey(encrypted, password))).toEqual(Buffer.from(privateKey));
    await expect(decryptPrivateKey(encrypted, 'another')).rejects.toThrow(WrongPasswordError);
  });

  it('is refused before any work where it would take for ever, or is of another scheme', async () => {
    const pbkdf2 = (iterations: number) => {
      const derivation = sequence(
        oid('1.2.840.113549.1.5.12'),
        sequence(octetString(new Uint8Array(8)), smallInteger(iterations)),
      );
      const scheme = sequence(oid('2.16.840.1.101.3.4.1.42'), octetString(new Uint8Array(16)));
      return sequence(oid('1.2.840.113549.1.5.13'), sequence(derivation, scheme));
    };
    const legacy = (id: string, iterations: number) =>
      sequence(oid(id), sequence(octetString(new Uint8Array(8)), smallInteger(iterations)));
    const schemes = [
      pbkdf2(2_000_000_000),
      pbkdf2(0),
      legacy('1.2.840.113549.1.12.1.3', 2_000_000_000),
      legacy('1.2.840.113549.1.12.1.6', 1),
      sequence(oid('1.2.3'), nullValue),
    ];
    for (const scheme of schemes) {
      const key = sequence(scheme, octetString(new Uint8Array(32)));
      await expect(decryptPrivateKey(key, password)).rejects.toMatchObject({ problem: 'unsupported' });
    }
  });
});

describe('The key derivation of PKCS #12 (RFC 7292 B.2)', () => {
  it('makes more octets than one digest has as other implementations do', async () => {
    // "smeg", salt 0A58CF64530D823F, one round: from the test vectors that implementations share.
    const octets = await derivePkcs12Octets({
      digest: 'sha1',
      purpose: 'key',
      password: Buffer.from('0073006D006500670000', 'hex'),
      salt: Buffer.from('0A58CF64530D823F', 'hex'),
      iterations: 1,
      length: 24,
    });
    expect(octets.toString('hex')).toBe('8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3');
  });
});
