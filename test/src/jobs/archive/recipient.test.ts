import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { checkRecipient, recipientOf } from '../../../../src/jobs/archive/recipient.js';
import { encodeKeyUsage, type KeyUsage } from '../../../../src/x509/extensions.js';
import { idCeKeyUsage } from '../../../../src/x509/oids.js';
import { toPem } from '../../../../src/x509/pem.js';
import { makeCertificate, type TestCertificate } from '../../../support/make-chain.js';
import { newKey, rsaKey, spkiOf } from '../../../support/make-csr.js';

const now = new Date('2026-11-21T00:00:00Z');
const rsa = spkiOf(rsaKey);
const ec = spkiOf(newKey());

function pemOf(spec: Partial<TestCertificate>): string {
  return toPem('CERTIFICATE', makeCertificate({ subject: 'CN=owner', signer: 'owner', ...spec }));
}

function usages(...names: KeyUsage[]): Pick<TestCertificate, 'extensions'> {
  return { extensions: [{ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(names) }] };
}

function refusal(pem: string): { code: string; message: string; status: number } | undefined {
  try {
    checkRecipient(pem, now);
    return undefined;
  } catch (error) {
    return error as { code: string; message: string; status: number };
  }
}

describe('the certificate that an archive is encrypted to', () => {
  it.each([
    ['RSA without key usage', pemOf({ subjectPublicKeyInfo: rsa }), 'keyTransport'],
    ['RSA for key encipherment', pemOf({ subjectPublicKeyInfo: rsa, ...usages('keyEncipherment') }), 'keyTransport'],
    ['EC for key agreement', pemOf({ subjectPublicKeyInfo: ec, ...usages('keyAgreement') }), 'keyAgreement'],
  ])('may have a key of %s', (_, pem, type) => {
    expect(refusal(pem)).toBeUndefined();
    expect(recipientOf(pem).type).toBe(type);
  });

  it.each([
    ['has expired', pemOf({ subjectPublicKeyInfo: rsa, notAfter: '2026-11-20T00:00:00Z' }), 'it has expired'],
    [
      'is not valid yet',
      pemOf({ subjectPublicKeyInfo: rsa, notBefore: '2026-11-22T00:00:00Z' }),
      'it is not valid yet',
    ],
    ['has a short RSA key', pemOf({ key: 'rsa1024-short' }), 'its RSA key has 1024 bits; at least 2048 are needed'],
    [
      'has an Ed25519 key',
      pemOf({ subjectPublicKeyInfo: spkiOf(generateKeyPairSync('ed25519')) }),
      'its key is neither RSA nor EC on P-256, P-384 or P-521',
    ],
    [
      'has an EC key on another curve',
      pemOf({ subjectPublicKeyInfo: spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })) }),
      'its key is neither RSA nor EC on P-256, P-384 or P-521',
    ],
    [
      'is for RSA signatures',
      pemOf({ subjectPublicKeyInfo: rsa, ...usages('digitalSignature') }),
      'its key usage does not have keyEncipherment',
    ],
    [
      'is for EC signatures',
      pemOf({ subjectPublicKeyInfo: ec, ...usages('digitalSignature') }),
      'its key usage does not have keyAgreement',
    ],
    ['is no PEM', 'owner', 'it is not one PEM certificate'],
    ['is two', pemOf({}) + pemOf({}), 'it is not one PEM certificate'],
    ['is cut short', toPem('CERTIFICATE', Buffer.from('3003020101', 'hex')), 'it is not one PEM certificate'],
    ['breaks off', pemOf({}).slice(0, 200), 'it is not one PEM certificate'],
  ])('is refused where it %s', (_, pem, why) => {
    const refused = refusal(pem);
    expect([refused?.status, refused?.code]).toEqual([422, 'unacceptable-key']);
    expect(refused?.message).toBe(`the certificate archive.recipient cannot receive the keys: ${why}`);
  });
});
