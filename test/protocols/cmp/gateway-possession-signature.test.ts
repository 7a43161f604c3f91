/** The hashes of proofs of possession by signature (RFC 9481 3, RFC 9688), in a CertReqMsg and in a PKCS #10 request. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CmpClient } from '../../support/cmp/client.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { type SignatureName, signedAnew } from '../../support/cmp/signatures.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, startCmpFleet } from '../../support/cmp-fleet.js';
import { expectRejected } from '../../support/cmp-refusals.js';
import { applyYaml } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey, rsaKey as otherRsaKey } from '../../support/make-csr.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
const clients = new Map<string, CmpClient>();

const templates = `
templates:
  - name: strict
    keys: { ec: { curves: [P-256] } }
    requestHashes: [sha3-512, shake128]
    keyUsages: [digitalSignature]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: strict
    template: strict
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
`;

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, templates);
  await applyYaml(test, cmpPolicy('strict', '', 'profiles: [{ usage: operational, profile: strict }]'));
  await applyYaml(test, cmpPolicy('legacy', 'legacy: true'));
  await applyYaml(test, cmpPolicy('reuse', 'keyReuse: true'));
  await applyYaml(test, cmpPolicy('sha2', 'signatureAlgorithms: [ecdsa-sha256, ecdsa-sha384]'));
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  await test.close();
});

function connect(label = 'cmp'): CmpClient {
  const client = clients.get(label) ?? createCmpClient(test, { label, credential: byMac });
  clients.set(label, client);
  return client;
}

const digests = ['sha224', 'sha256', 'sha384', 'sha512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'] as const;
const shakes = ['shake128', 'shake256'] as const;
const names: readonly SignatureName[] = [
  ...digests.map((digest) => `rsa-${digest}` as const),
  ...[...digests, ...shakes].map((digest) => `rsa-pss-${digest}` as const),
  ...[...digests, ...shakes].map((digest) => `ecdsa-${digest}` as const),
];

/** It signs many requests, and making one takes a while: its policy certifies a key again. */
const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaWish = { key: rsaKey, subject: 'CN=rsa' };

function wishFor(algorithm: SignatureName) {
  return algorithm.startsWith('rsa-') ? rsaWish : { key: newKey(), subject: `CN=${algorithm}` };
}

/** A PKCS #10 request (DER) with any of the signatures. */
function csrSignedBy(algorithm: SignatureName, wish: { key: KeyPair; subject: string }, signer = wish.key): Uint8Array {
  return signedAnew(makeCsr(wish), algorithm, signer.privateKey);
}

const refused = { failInfo: 'badAlg', code: 'unsupported-algorithm' } as const;

describe('A proof of possession by signature, where nothing else is said', () => {
  it.each(names)('may be by %s, in ir and in p10cr', async (algorithm) => {
    const client = connect('reuse');
    const first = wishFor(algorithm);
    const issued = issuedBy(await client.ir({ ...first, possession: { kind: 'signature', algorithm } }));
    expect(issued.publicKey.equals(first.key.publicKey)).toBe(true);
    const second = wishFor(algorithm);
    const other = issuedBy(await client.p10cr(csrSignedBy(algorithm, second)));
    expect(other.publicKey.equals(second.key.publicKey)).toBe(true);
    expect(other.serialNumber).not.toBe(issued.serialNumber);
  });

  it.each(names)('by %s is verified: badPOP where another key has made it', async (algorithm) => {
    const signer = algorithm.startsWith('rsa-') ? otherRsaKey : newKey();
    const wish = { key: newKey(), subject: 'CN=somebody' };
    const key = algorithm.startsWith('rsa-') ? rsaKey : wish.key;
    const possession = { kind: 'signature', algorithm, signedBy: signer } as const;
    const badPop = { failInfo: 'badPOP', code: 'invalid-proof-of-possession' } as const;
    await expectRejected(test, () => connect('reuse').ir({ ...wish, key, possession }), { body: 'ip', ...badPop });
    const csr = csrSignedBy(algorithm, { ...wish, key }, signer);
    await expectRejected(test, () => connect('reuse').p10cr(csr), { body: 'cp', ...badPop });
  });

  it('is not by SHA-1, where messages may be signed so, too (badAlg)', async () => {
    const says = 'requests signed with sha1 are not taken by template device; use sha256 (rule request-hash)';
    const possession = { kind: 'signature', algorithm: 'ecdsa-sha1' } as const;
    const wish = { key: newKey(), subject: 'CN=legacy' };
    const client = connect('legacy');
    await expectRejected(test, () => client.ir({ ...wish, possession }), { body: 'ip', ...refused, says });
    const csr = csrSignedBy('ecdsa-sha1', wish);
    await expectRejected(test, () => client.p10cr(csr), { body: 'cp', ...refused, says });
  });
});

describe('requestHashes of the template', () => {
  it.each(['ecdsa-sha3-512', 'ecdsa-shake128'] as const)('names the hashes that are taken: %s', async (algorithm) => {
    const wish = { key: newKey(), subject: `CN=strict-${algorithm}` };
    const client = connect('strict');
    issuedBy(await client.ir({ ...wish, possession: { kind: 'signature', algorithm } }));
    issuedBy(await client.p10cr(csrSignedBy(algorithm, { ...wish, key: newKey() })));
  });

  it.each(['sha256', 'sha3-256', 'shake256'] as const)('lacks a hash that is refused: %s (badAlg)', async (hash) => {
    const says = `requests signed with ${hash} are not taken by template strict; use sha3-512`;
    const algorithm = `ecdsa-${hash}` as const;
    const wish = { key: newKey(), subject: 'CN=strict' };
    const client = connect('strict');
    const possession = { kind: 'signature', algorithm } as const;
    await expectRejected(test, () => client.ir({ ...wish, possession }), { body: 'ip', ...refused, says });
    const csr = csrSignedBy(algorithm, wish);
    await expectRejected(test, () => client.p10cr(csr), { body: 'cp', ...refused, says });
  });
});

describe('signatureAlgorithms of the policy', () => {
  it('are those of proofs of possession as well (badAlg)', async () => {
    const says = 'the policy does not accept signatures by ecdsa-sha3-256';
    const wish = { key: newKey(), subject: 'CN=sha2' };
    const client = connect('sha2');
    const possession = { kind: 'signature', algorithm: 'ecdsa-sha3-256' } as const;
    await expectRejected(test, () => client.ir({ ...wish, possession }), { body: 'ip', ...refused, says });
    const csr = csrSignedBy('ecdsa-sha3-256', wish);
    await expectRejected(test, () => client.p10cr(csr), { body: 'cp', ...refused, says });
  });
});
