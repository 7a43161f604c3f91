import { describe, expect, it } from '@jest/globals';
import { readPublicJwk, requireSoundKey, thumbprintOf } from '../../../../protocols/acme/jws/public-jwk.js';
import { makeSigner } from '../signer.js';

const ec = makeSigner('ES256').jwk;
const rsa = makeSigner('RS256').jwk;
const ed25519 = makeSigner('EdDSA').jwk;
const read = (value: unknown) => readPublicJwk(value, 'the key');

function withZero(text = ''): string {
  return Buffer.concat([Buffer.of(0), Buffer.from(text, 'base64url')]).toString('base64url');
}

/** A number of so many bits that ends in `last`. */
function modulus(bits: number, last = 0xff): string {
  const octets = Buffer.alloc(Math.ceil(bits / 8), 0xff);
  octets[0] = 0xff >> (8 * octets.length - bits);
  octets[octets.length - 1] = last;
  return octets.toString('base64url');
}

describe('keys as JWK (RFC 7517, RFC 7518 6)', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'EdDSA'] as const)('for %s are read', (algorithm) => {
    const { jwk } = makeSigner(algorithm);
    expect(read(jwk)).toEqual(jwk);
  });

  it('are reduced to what their thumbprint is made of', () => {
    const more = { ...ec, kid: 'mine', use: 'sig', alg: 'ES256', x5c: ['AA=='], constructor: 1 };
    expect(read(more)).toEqual(ec);
    expect(thumbprintOf(read(more))).toBe(thumbprintOf(read(ec)));
  });

  it('have the thumbprint of RFC 7638 3.1', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    expect(thumbprintOf(read({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }))).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    );
  });

  it('have the thumbprint of RFC 8037 A.3', () => {
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
    expect(thumbprintOf(read({ kty: 'OKP', crv: 'Ed25519', x }))).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it.each([
    ['the neutral element, for which anybody can sign', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['another text of it', '7v_______________________________________38'],
  ])('are refused as Ed25519 keys: %s', (_, x) => {
    expect(() => read({ kty: 'OKP', crv: 'Ed25519', x })).toThrow(expect.objectContaining({ type: 'badPublicKey' }));
  });

  it.each([
    ['null', null],
    ['a string', 'key'],
    ['a list', [ec]],
    ['no type', { crv: 'P-256' }],
  ])('are malformed: %s', (_, value) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ type: 'malformed' }));
  });

  it.each([
    ['a secret key', { kty: 'oct', k: 'AAAA' }],
    ['an unknown type', { kty: 'EXT' }],
    ['an EC key with its private part', { ...ec, d: 'AAAA' }],
    ['an RSA key with a prime', { ...rsa, p: 'AAAA' }],
    ['the curve secp256k1', { ...ec, crv: 'secp256k1' }],
    ['an EC key without curve', { ...ec, crv: undefined }],
    ['a coordinate of another curve', { ...makeSigner('ES384').jwk, crv: 'P-256' }],
    ['a coordinate with a leading zero', { ...ec, x: withZero(ec.x) }],
    ['a coordinate that is missing', { ...ec, y: undefined }],
    ['a coordinate that is a number', { ...ec, y: 7 }],
    ['padding', { ...ec, x: `${ec.x}=` }],
    ['base64 that is not base64url', { ...ec, x: `${'+'.repeat(42)}A` }],
    ['Ed448', { kty: 'OKP', crv: 'Ed448', x: 'A'.repeat(76) }],
    ['X25519', { ...ed25519, crv: 'X25519' }],
    ['a short Ed25519 key', { ...ed25519, x: 'AAAA' }],
    ['a modulus of 2047 bits', { ...rsa, n: modulus(2047) }],
    ['a modulus of 8193 bits', { ...rsa, n: modulus(8193) }],
    ['an even modulus', { ...rsa, n: modulus(2048, 0xfe) }],
    ['a modulus with a leading zero', { ...rsa, n: withZero(rsa.n) }],
    ['an empty modulus', { ...rsa, n: '' }],
    ['the exponent 1', { ...rsa, e: 'AQ' }],
    ['the exponent 3', { ...rsa, e: 'Aw' }],
    ['an even exponent', { ...rsa, e: 'AQAA' }],
    ['an exponent with a leading zero', { ...rsa, e: withZero('AQAB') }],
    ['an exponent of 65 bits', { ...rsa, e: Buffer.from('010000000000000001', 'hex').toString('base64url') }],
  ])('are badPublicKey (RFC 8555 6.2): %s', (_, value) => {
    expect(() => read(value)).toThrow(expect.objectContaining({ type: 'badPublicKey', status: 400 }));
  });

  it('may have RSA moduli of 2048 to 8192 bits', () => {
    for (const bits of [2048, 4096, 8192]) expect(read({ ...rsa, n: modulus(bits) })).toMatchObject({ kty: 'RSA' });
  });

  it('are no account keys where they were made badly', () => {
    for (const sound of [rsa, ec]) expect(() => requireSoundKey(read(sound))).not.toThrow();
    const divisible = 3n * (2n ** 2046n + 1n);
    const weak = { ...rsa, n: Buffer.from(divisible.toString(16), 'hex').toString('base64url') };
    expect(() => requireSoundKey(read(weak))).toThrow(expect.objectContaining({ type: 'badPublicKey' }));
  });
});
