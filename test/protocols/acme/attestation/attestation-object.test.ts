import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeAttestationObject } from '../../../../protocols/acme/attestation/attestation-object.js';
import { keyAuthorization, packedAttestation, tpmAttestation } from '../../../support/acme/attestation.js';
import { cbor, head } from '../../../support/acme/cbor.js';
import { refusal } from './refusal.js';

const unreadable = 'malformed: attObj is not CBOR in its canonical form';
const noObject = 'malformed: attObj is no attestation object; send a map with fmt and attStmt';
const repeated = (octet: number, count: number) => Buffer.alloc(count, octet);

describe('an attestation object (WebAuthn level 2, 6.5.4)', () => {
  it('is a map with a format and a statement, whatever is beside them', () => {
    const object = cbor({ fmt: 'packed', attStmt: { alg: -7 }, authData: Buffer.alloc(37), more: 1 });
    expect(decodeAttestationObject(object)).toEqual({ format: 'packed', fields: new Map([['alg', -7]]) });
  });

  it.each(['apple', 'android-key', 'android-safetynet', 'fido-u2f', 'none', 'step', 'TPM', '__proto__'])(
    'is refused in the format %s, with what is taken',
    (format) => {
      expect(refusal(cbor({ fmt: format, attStmt: {} }))).toBe(
        `badAttestationStatement: attestation format ${format} is not taken; send tpm or packed`,
      );
    },
  );

  it('is refused in a format that is no name, which is not repeated', () => {
    for (const format of ['', '\u202eevil', 'x'.repeat(33), '"']) {
      expect(refusal(cbor({ fmt: format, attStmt: {} }))).toBe(
        'badAttestationStatement: attestation format is not taken; send tpm or packed',
      );
    }
  });

  it.each([
    ['a list', cbor(['tpm', {}])],
    ['a number', cbor(7)],
    ['without fmt', cbor({ attStmt: {} })],
    ['without attStmt', cbor({ fmt: 'tpm' })],
    ['with bytes as fmt', cbor({ fmt: Buffer.from('tpm'), attStmt: {} })],
    ['with a list as attStmt', cbor({ fmt: 'tpm', attStmt: [] })],
  ])('is malformed as %s', (_, object) => {
    expect(refusal(object)).toBe(noObject);
  });

  const fmt = [cbor('fmt'), cbor('tpm')];
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['trailing bytes', Buffer.concat([tpmAttestation(keyAuthorization), Buffer.of(0)])],
    ['truncated bytes', tpmAttestation(keyAuthorization).subarray(0, -1)],
    ['the same member twice', Buffer.concat([head(5, 3), ...fmt, ...fmt, cbor('attStmt'), head(5, 0)])],
    [
      'a map of indefinite length',
      Buffer.concat([Buffer.of(0xbf), ...fmt, cbor('attStmt'), head(5, 0), Buffer.of(0xff)]),
    ],
    ['a length that is not minimal', Buffer.concat([Buffer.of(0xb8, 2), ...fmt, cbor('attStmt'), head(5, 0)])],
    ['a tag', Buffer.concat([head(6, 55_799), cbor({ fmt: 'tpm', attStmt: {} })])],
    ['a number that is none', Buffer.concat([head(5, 2), ...fmt, cbor('attStmt'), Buffer.of(0xf9, 0x7e, 0)])],
    ['undefined', Buffer.concat([head(5, 2), ...fmt, cbor('attStmt'), Buffer.of(0xf7)])],
    ['a list that says it is longer than all', Buffer.of(0x9a, 0xff, 0xff, 0xff, 0xff)],
    ['a text that says it is longer than all', Buffer.of(0x7b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ])('is malformed as CBOR with %s', (_, object) => {
    expect(refusal(object)).toBe(unreadable);
  });

  it.each([
    ['lists', repeated(0x81, 32_000)],
    ['maps', repeated(0xa1, 32_000)],
    ['empty lists', Buffer.concat([head(4, 30_000), repeated(0x80, 30_000)])],
  ])('is malformed with tens of thousands of %s, of which the first few are read', (_, object) => {
    expect(refusal(object)).toBe(unreadable);
    const cause = { message: 'too many arrays and maps' };
    expect(() => decodeAttestationObject(object)).toThrow(
      expect.objectContaining({ cause: expect.objectContaining(cause) }),
    );
  });

  it('is malformed with more octets than an attestation has', () => {
    const object = (octets: number) => cbor({ fmt: 'none', attStmt: {}, authData: Buffer.alloc(octets) });
    expect(refusal(object(32_800))).toBe('malformed: attObj has more than 32768 octets');
    expect(refusal(object(32_700))).toMatch(/attestation format none is not taken/);
  });

  it('is refused with nothing but an AcmeError, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(refusal(noise)).toBeDefined();
        expect(refusal(cbor({ fmt: 'tpm', attStmt: { x5c: [noise], sig: noise } }))).toBeDefined();
      }),
    );
  });

  it.each([
    ['tpm', tpmAttestation(keyAuthorization)],
    ['packed', packedAttestation(keyAuthorization)],
  ])('of format %s is refused with nothing but an AcmeError where an octet was changed', (_, object) => {
    fc.assert(
      fc.property(fc.nat(object.length - 1), fc.nat(255), (at, octet) => {
        const changed = Uint8Array.from(object);
        changed[at] = octet;
        refusal(changed);
      }),
      { numRuns: 300 },
    );
  });

  it.each<[string, (noise: Uint8Array) => Uint8Array]>([
    ['certInfo', (certInfo) => tpmAttestation(keyAuthorization, { certInfo: () => certInfo })],
    ['pubArea', (area) => tpmAttestation(keyAuthorization, { pubArea: (good) => spliced(good, area) })],
    ['sig', (sig) => tpmAttestation(keyAuthorization, { sig: () => sig })],
  ])('is refused with nothing but an AcmeError when %s is noise that was signed', (_, make) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (noise) => {
        expect(refusal(make(noise))).toMatch(/^badAttestationStatement: /);
      }),
      { numRuns: 40 },
    );
  });
});

/** With its beginning kept, so that more than the first number is read. */
function spliced(good: Uint8Array, noise: Uint8Array): Uint8Array {
  return Buffer.concat([good.subarray(0, 10), noise]);
}
