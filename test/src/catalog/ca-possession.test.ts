import { constants, createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type CaProof, createProofChallenge, verifyCaProof } from '../../../src/catalog/ca-possession.js';
import { toPem } from '../../../src/x509/pem.js';
import { ca, makeCertificate, makeChain, privateKeyOf } from '../../support/make-chain.js';

const key = createSecretKey(Buffer.alloc(32, 3));
const now = new Date('2026-11-01T00:00:00Z');
const authenticationPolicy = 'factory';
const [factory = new Uint8Array()] = makeChain([ca('CN=Factory')]);
const [rsaFactory = new Uint8Array()] = makeChain([{ ...ca('CN=RSA'), key: 'rsa-factory' }]);
const { challenge, expiresAt } = createProofChallenge(authenticationPolicy, key, now);

const verify = (proof: CaProof, der = factory, at = now) =>
  verifyCaProof({ authenticationPolicy, ca: der, proof }, key, at);
const signed = (text: string, name = 'CN=Factory') =>
  sign('sha256', Buffer.from(text), privateKeyOf(name)).toString('base64');
const issued = (subject: string, more: object = {}) =>
  toPem('CERTIFICATE', makeCertificate({ subject, key: 'proof', issuer: 'CN=Factory', signer: 'CN=Factory', ...more }));
const wrong = expect.objectContaining({ code: 'invalid-proof-of-possession' });

describe('a challenge', () => {
  it('fits into a common name (RFC 5280 appendix A.1), and is another one each time', () => {
    expect(challenge).toMatch(/^[0-9a-f]{64}$/);
    expect(expiresAt).toEqual(new Date('2026-11-08T00:00:00Z'));
    expect(createProofChallenge(authenticationPolicy, key, now).challenge).not.toBe(challenge);
  });

  it.each([
    ['of another authentication policy', createProofChallenge('other', key, now).challenge],
    [
      'under another key',
      createProofChallenge(authenticationPolicy, createSecretKey(Buffer.alloc(32, 4)), now).challenge,
    ],
    ['with a later end', `ff${challenge.slice(2)}`],
    ['in upper case', challenge.toUpperCase()],
    ['that is cut off', challenge.slice(0, 62)],
    ['of nothing', ''],
    ['of other text', 'x'.repeat(64)],
  ])('%s is none', (_what, other) => {
    expect(() => verify({ challenge: other, signature: signed(other) })).toThrow(wrong);
  });

  it('ends', () => {
    expect(() => verify({ challenge, signature: signed(challenge) }, factory, expiresAt)).toThrow(
      expect.objectContaining({ code: 'stale-message' }),
    );
  });
});

describe('possession of a CA key', () => {
  it('is proved by a signature over the challenge', () => {
    verify({ challenge, signature: signed(challenge) });
    verify({ challenge, signature: signed(challenge), algorithm: 'ecdsa-sha256' });
    verify({ challenge, signature: signed(challenge, 'rsa-factory') }, rsaFactory);
    const pss = { key: privateKeyOf('rsa-factory'), padding: constants.RSA_PKCS1_PSS_PADDING };
    const signature = sign('sha512', Buffer.from(challenge), pss).toString('base64');
    verify({ challenge, signature, algorithm: 'rsa-pss-sha512' }, rsaFactory);
  });

  it.each<[string, CaProof]>([
    ['by another key', { challenge, signature: signed(challenge, 'somebody') }],
    ['over another text', { challenge, signature: signed(`${challenge}\n`) }],
    ['with another algorithm', { challenge, signature: signed(challenge), algorithm: 'ecdsa-sha512' }],
    ['of another kind', { challenge, signature: signed(challenge), algorithm: 'rsa-sha256' }],
    ['of nothing', { challenge, signature: '' }],
  ])('is not by a signature %s', (_what, proof) => {
    expect(() => verify(proof)).toThrow(wrong);
  });

  it('is proved by a certificate with the challenge as common name', () => {
    verify({ challenge, certificate: issued(`CN=${challenge}`) });
    verify({ challenge, certificate: issued(`O=Example,CN=${challenge}`) });
  });

  it.each([
    ['another name', issued('CN=other')],
    ['two names', issued(`CN=other,CN=${challenge}`)],
    ['another issuer', issued(`CN=${challenge}`, { issuer: 'CN=Other' })],
    ['the signature of another key', issued(`CN=${challenge}`, { signer: 'somebody' })],
    ['a signature with SHA-1', issued(`CN=${challenge}`, { hash: 'sha1' })],
    ['a signature that was tampered with', issued(`CN=${challenge}`, { isTampered: true })],
    ['nothing in it', ''],
    ['something else in it', toPem('CERTIFICATE', Uint8Array.of(48, 0))],
    ['another one beside it', issued(`CN=${challenge}`).repeat(2)],
  ])('is not by a certificate with %s', (_what, certificate) => {
    expect(() => verify({ challenge, certificate })).toThrow(wrong);
  });

  it('is proved by EdDSA keys too', () => {
    const pair = generateKeyPairSync('ed25519');
    const subjectPublicKeyInfo = pair.publicKey.export({ type: 'spki', format: 'der' });
    const der = makeCertificate({ ...ca('CN=Ed'), subjectPublicKeyInfo });
    verify({ challenge, signature: sign(null, Buffer.from(challenge), pair.privateKey).toString('base64') }, der);
  });
});
