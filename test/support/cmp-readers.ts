/** A gateway whose policy `readers` certifies keys that are encrypted to, and what proves possession of such keys later. */
import { generateKeyPairSync } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import type { PossessionWish } from './cmp/possession.js';
import { cmpPolicy, startCmpFleet } from './cmp-fleet.js';
import { applyYaml } from './fleet.js';
import { type KeyPair, newKey, rsaKey } from './make-csr.js';
import type { TestGateway } from './test-gateway.js';

/** Beside `readers`, the policies `manual` and `picky` of usual certificates: with approval, and of one certificate a device. */
export async function startCmpReaders(clock: Clock): Promise<TestGateway> {
  const test = await startCmpFleet({ clock });
  await applyYaml(test, profiles);
  const own = 'profiles: [{ usage: operational, profile: reader }]';
  await applyYaml(test, cmpPolicy('readers', 'keyReuse: true, confirmWait: 60s', own));
  await applyYaml(test, cmpPolicy('manual', '', 'approval: manual'));
  await applyYaml(test, cmpPolicy('picky', '', 'limits: { certificates: 1 }'));
  return test;
}

export type KeyUse = 'keyEncipherment' | 'keyAgreement';

export const readerKeys: readonly [string, KeyUse, () => KeyPair][] = [
  ['an RSA key', 'keyEncipherment', () => rsaKey],
  ['a P-256 key', 'keyAgreement', newKey],
  ['a P-384 key', 'keyAgreement', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['an X25519 key', 'keyAgreement', () => generateKeyPairSync('x25519')],
  ['an X448 key', 'keyAgreement', () => generateKeyPairSync('x448')],
];

/** EnvelopedData came with it. */
export const version3 = { header: { pvno: 3 } };
export const popFailure = { failInfo: 'badPOP', code: 'invalid-proof-of-possession' } as const;

export function later(message: 'encrCert' | 'challengeResp', use: KeyUse): PossessionWish {
  return { kind: 'subsequent', use, message };
}

const profiles = `
templates:
  - name: reader
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384] }, x25519: true, x448: true }
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: reader
    template: reader
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature, keyEncipherment, keyAgreement]
    validity: 90d
`;
