import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { octetString, oid, sequence, smallInteger, unsignedInteger } from '../../../src/x509/der-writer.js';
import type { CmpClient, EnrollWish } from '../../support/cmp/client.js';
import { type Digest, digestIds, hmacIds, macIds } from '../../support/cmp/identifiers.js';
import { type MacWish, macIdentifier } from '../../support/cmp/macs.js';
import type { CmpCredential } from '../../support/cmp/message.js';
import { issuedBy } from '../../support/cmp/outcome.js';
import { type SignatureName, signatureIdentifier } from '../../support/cmp/signatures.js';
import { createCmpClient } from '../../support/cmp-client.js';
import {
  byMac,
  type CmpDevice,
  cmpPolicy,
  enrolled,
  signedBy,
  startCmpFleet,
  vendor,
} from '../../support/cmp-fleet.js';
import { type CmpRefusal, expectRejected } from '../../support/cmp-refusals.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import { applyYaml } from '../../support/fleet.js';
import { basicConstraints, ca, keyUsage, leaf, makeChain, privateKeyOf } from '../../support/make-chain.js';
import { type KeyPair, newKey, rsaKey } from '../../support/make-csr.js';
import { createManufacturer } from '../../support/manufacturer.js';
import { createTestClock, daySeconds } from '../../support/test-clock.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;
const clock = createTestClock();

/** Secrets of the lengths of AES keys, which GMAC takes as they are. */
const gmacSecrets = {
  128: 'sixteen-octets!!',
  192: 'twenty-four-octets-here!',
  256: 'thirty-two-octets-are-needed-now',
} as const;

const algorithms = `
templates:
  - name: every-key
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384, P-521] }, ed25519: true, ed448: true }
    keyUsages: [digitalSignature]
    subjectAttributes: [commonName]
    maximumValidity: 1y
profiles:
  - name: every-key
    template: every-key
    subject: [{ attribute: commonName, source: request, required: true }]
    keyUsages: [digitalSignature]
    validity: 90d
`;

beforeAll(async () => {
  test = await startCmpFleet({ clock });
  await applyYaml(test, algorithms);
  const everyKey = 'profiles: [{ usage: operational, profile: every-key }]';
  const documents = [
    cmpPolicy('all', 'legacy: true', everyKey),
    cmpPolicy('careful', '', everyKey),
    cmpPolicy('narrow', 'macAlgorithms: [pbmac1-hmac-sha256], signatureAlgorithms: [ecdsa-sha384]'),
    `authenticationPolicies:
  - name: fleet
    division: plant
    credentials:
${Object.entries(gmacSecrets)
  .map(([bits, own]) => `      - { kind: cmp-secret, name: gmac-${bits}, reference: gmac-${bits}, secret: ${own} }`)
  .join('\n')}
`,
  ];
  for (const document of documents) await applyYaml(test, document);
  client = createCmpClient(test, { label: 'all', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const macWith = (algorithm: MacWish): CmpCredential => ({ ...byMac, algorithm });
const badCheck = { failInfo: 'badMessageCheck', code: 'bad-secret' } as const;
const digests: readonly Digest[] = [
  ...(['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const),
  ...(['sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'] as const),
];

const macs: readonly (readonly [string, CmpCredential])[] = [
  ...digests.map((oneWay) => [`PBM by ${oneWay}`, macWith({ type: 'pbm', oneWay })] as const),
  ...digests.map((mac) => [`PBM with HMAC ${mac}`, macWith({ type: 'pbm', mac })] as const),
  ['PBM with HMAC-SHA1 as openssl names it', macWith({ type: 'pbm', mac: 'openssl' })],
  ...digests.map((prf) => [`PBMAC1 by ${prf}`, macWith({ type: 'pbmac1', prf })] as const),
  ...digests.map((mac) => [`PBMAC1 with HMAC ${mac}`, macWith({ type: 'pbmac1', mac })] as const),
  ...digests.map((digest) => [`HMAC ${digest}`, macWith({ type: 'hmac', digest })] as const),
  ['KMAC128', macWith({ type: 'kmac', strength: 128 })],
  ['KMAC256', macWith({ type: 'kmac', strength: 256 })],
  ['KMAC256 of 256 bits, customized', macWith({ type: 'kmac', strength: 256, length: 256, customization: 'CMP' })],
  ...([128, 192, 256] as const).map((keyBits) => {
    const algorithm: MacWish = { type: 'gmac', keyBits, length: 16 };
    const credential: CmpCredential = {
      kind: 'mac',
      reference: `gmac-${keyBits}`,
      secret: gmacSecrets[keyBits],
      algorithm,
    };
    return [`AES-${keyBits}-GMAC`, credential] as const;
  }),
];

describe('A MAC (RFC 9481 6)', () => {
  it.each(macs)('by %s is taken, the answer has the same, and a damaged one is refused', async (name, credential) => {
    const wish = { key: newKey(), subject: `CN=${name.replace(/[^A-Za-z0-9-]/g, '-')}`, credential };
    const damaged: EnrollWish = { ...wish, isDamaged: true, unchecked: ['protectionKind'] };
    await expectRejected(test, () => client.ir(damaged), badCheck);
    const outcome = await client.ir(wish);
    expect(outcome.pkiStatus).toBe('accepted');
    expect((await client.confirm(outcome, { credential })).body).toEqual({ type: 'pkiconf' });
  });

  it.each<[string, MacWish & { type: 'pbm' | 'pbmac1' }]>([
    ['PBM', { type: 'pbm', oneWay: 'sha512', mac: 'sha384', iterations: 777 } as const],
    ['PBMAC1', { type: 'pbmac1', prf: 'sha512', mac: 'sha384', iterations: 777, keyLength: 48 } as const],
  ])('by %s is answered with a salt of its own, and with all other parameters the same', async (_name, wish) => {
    const salt = Buffer.alloc(16, 7);
    const outcome = await client.ir({ key: newKey(), credential: macWith({ ...wish, salt }), subject: 'CN=salted' });
    const answered = outcome.message?.header.protectionAlg ?? Buffer.alloc(0);
    const asked = Buffer.from(macIdentifier({ ...wish, salt }));
    const at = asked.indexOf(salt);
    expect(answered.length).toBe(asked.length);
    expect(answered.subarray(at, at + 16)).not.toEqual(salt);
    expect(Buffer.concat([answered.subarray(0, at), salt, answered.subarray(at + 16)])).toEqual(asked);
  });

  it('by AES-GMAC is answered with a nonce of its own', async () => {
    const nonce = randomBytes(12);
    const credential: CmpCredential = {
      kind: 'mac',
      reference: 'gmac-256',
      secret: gmacSecrets[256],
      algorithm: { type: 'gmac', keyBits: 256, nonce },
    };
    const outcome = await client.ir({ key: newKey(), credential, subject: 'CN=nonce' });
    expect(outcome.pkiStatus).toBe('accepted');
    expect(outcome.message?.header.protectionAlg?.includes(nonce)).toBe(false);
  });

  it('of a refusal is the same as of an answer', async () => {
    const credential = macWith({ type: 'pbmac1', prf: 'sha384' });
    const outcome = await expectRejected(test, () => client.ir({ key: newKey(), credential, certReqId: 1 }), {
      body: 'ip',
      failInfo: 'badRequest',
      code: 'malformed-request',
    });
    expect(outcome.message?.header.protectionAlg?.subarray(0, 20)).toEqual(
      Buffer.from(macIdentifier({ type: 'pbmac1', prf: 'sha384' })).subarray(0, 20),
    );
  });
});

const keys = {
  rsa: rsaKey,
  ecdsa: newKey(),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: generateKeyPairSync('ed25519'),
  ed448: generateKeyPairSync('ed448'),
} as const satisfies Record<string, KeyPair>;

const signatures: readonly (readonly [SignatureName, keyof typeof keys])[] = [
  ...digests.map((digest) => [`rsa-${digest}`, 'rsa'] as const),
  ...digests.map((digest) => [`rsa-pss-${digest}`, 'rsa'] as const),
  ['rsa-pss-shake128', 'rsa'],
  ['rsa-pss-shake256', 'rsa'],
  ...digests.map((digest) => [`ecdsa-${digest}`, 'ecdsa'] as const),
  ['ecdsa-sha384', 'P-384'],
  ['ecdsa-sha3-512', 'P-521'],
  ['ecdsa-shake128', 'ecdsa'],
  ['ecdsa-shake256', 'P-384'],
  ['ed25519', 'ed25519'],
  ['ed448', 'ed448'],
];

describe('A signature (RFC 9481 3, RFC 9688, RFC 8692)', () => {
  const devices = new Map<string, Promise<CmpDevice>>();
  const signer = (kind: keyof typeof keys) => {
    const known = devices.get(kind) ?? enrolled(test, { label: 'all', name: `signer-${kind}`, key: keys[kind] });
    devices.set(kind, known);
    return known;
  };

  it.each(signatures)('%s (%s) is taken, and a damaged one is refused', async (algorithm, kind) => {
    const { credential: own, name } = await signer(kind);
    const credential = { ...own, algorithm };
    const wish = { key: newKey(), subject: `CN=${name}`, credential };
    const send = () => client.cr({ ...wish, isDamaged: true });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
    const outcome = await client.cr({ ...wish, implicitConfirm: true });
    expect(issuedBy(outcome).subject).toBe(`CN=${name}`);
  });

  it.each<[SignatureName, keyof typeof keys]>([
    ['ecdsa-sha256', 'rsa'],
    ['rsa-sha256', 'ecdsa'],
  ])('%s by name, made by a key of kind %s, is refused', async (algorithm, kind) => {
    const { credential } = await signer(kind);
    const header = { protectionAlg: signatureIdentifier(algorithm) };
    const send = () => client.cr({ key: newKey(), credential, header, protection: randomBytes(64) });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });

  it('of a refusal is verifiable with the first of extraCerts', async () => {
    const { credential } = await signer('ecdsa');
    const send = () => client.cr({ key: newKey(), credential, omit: ['senderNonce'] });
    const { message } = await expectRejected(test, send, { failInfo: 'badSenderNonce', code: 'malformed-request' });
    expect(message?.extraCerts.length).toBeGreaterThan(1);
  });
});

describe('What a policy lets messages be protected with', () => {
  const refusal = { failInfo: 'badAlg', code: 'unsupported-algorithm' } as const;

  it.each<[string, string, CmpCredential]>([
    ['careful', 'SHA-1 as one-way function of PBM', macWith({ type: 'pbm', oneWay: 'sha1' })],
    ['narrow', 'PBM', byMac],
    ['narrow', 'PBMAC1 with another HMAC', macWith({ type: 'pbmac1', mac: 'sha384' })],
    ['narrow', 'plain HMAC', macWith({ type: 'hmac', digest: 'sha256' })],
  ])('%s: not %s, good or damaged', async (label, _what, credential) => {
    const other = createCmpClient(test, { label, credential });
    for (const isDamaged of [false, true]) {
      const send = () => other.ir({ key: newKey(), isDamaged, unchecked: ['protectionKind'] });
      await expectRejected(test, send, refusal);
    }
    other.close();
  });

  it.each<[string, SignatureName, 'rsa' | 'ecdsa']>([
    ['careful', 'rsa-sha1', 'rsa'],
    ['careful', 'ecdsa-sha1', 'ecdsa'],
    ['careful', 'rsa-pss-sha1', 'rsa'],
    ['narrow', 'ecdsa-sha256', 'ecdsa'],
  ])('%s: no %s', async (label, algorithm, kind) => {
    const other = createCmpClient(test, { label });
    const born = signedBy(vendor.device('O=Vendor,CN=weak', { key: kind === 'rsa' ? 'rsa vendor' : 'ec vendor' }));
    const send = () => other.ir({ key: newKey(), credential: { ...born, algorithm } });
    await expectRejected(test, send, refusal);
    other.close();
  });

  it('narrow: what it names', async () => {
    const other = createCmpClient(test, { label: 'narrow', credential: macWith({ type: 'pbmac1' }) });
    const possession = { kind: 'signature', algorithm: 'ecdsa-sha384' } as const;
    const outcome = await other.ir({ key: newKey(), subject: 'CN=narrow', possession });
    expect(outcome.pkiStatus).toBe('accepted');
    other.close();
  });

  it('narrow: no proof of possession by another signature either', async () => {
    const other = createCmpClient(test, { label: 'narrow', credential: macWith({ type: 'pbmac1' }) });
    await expectRejected(test, () => other.ir({ key: newKey(), subject: 'CN=narrow' }), { body: 'ip', ...refusal });
    other.close();
  });
});

describe('Deriving a key (RFC 9045 4.3) is refused', () => {
  it.each<[string, Uint8Array]>([
    ['PBM with a billion iterations', macIdentifier({ type: 'pbm', iterations: 1_000_000_000 })],
    ['PBM with 100001 iterations', macIdentifier({ type: 'pbm', iterations: 100_001 })],
    ['PBM with 99 iterations', macIdentifier({ type: 'pbm', iterations: 99 })],
    ['PBM with iterations beyond all numbers', pbm(unsignedInteger(Buffer.alloc(32, 0xff)))],
    ['PBM with a negative number of iterations', pbm(Uint8Array.of(2, 1, 0xff))],
    ['PBM with a salt of 257 octets', macIdentifier({ type: 'pbm', salt: randomBytes(257) })],
    ['PBMAC1 with a billion iterations', macIdentifier({ type: 'pbmac1', iterations: 1_000_000_000 })],
    ['PBMAC1 with no iterations', macIdentifier({ type: 'pbmac1', iterations: 0 })],
    ['PBMAC1 with a key of 8 octets', macIdentifier({ type: 'pbmac1', keyLength: 8 })],
    ['PBMAC1 with a key of a gigabyte', macIdentifier({ type: 'pbmac1', keyLength: 1 << 30 })],
    ['an algorithm that nobody knows', sequence(oid('1.3.6.1.4.1.55555.9'))],
    [
      'a MAC of no known function',
      sequence(
        oid(macIds.pbmac1),
        sequence(
          sequence(oid(macIds.pbkdf2), sequence(octetString(randomBytes(16)), smallInteger(1000))),
          sequence(oid('1.3.6.1.4.1.55555.9')),
        ),
      ),
    ],
  ])('%s, at once', async (_what, protectionAlg) => {
    const wish = { header: { protectionAlg }, protection: randomBytes(32), unchecked: ['protectionKind'] } as const;
    const refusal = { failInfo: 'badAlg', code: 'unsupported-algorithm' } as const;
    const cost = await cpuTimeOf(() => expectRejected(test, () => client.ir({ key: newKey(), ...wish }), refusal));
    expect(cost).toBeLessThan(1000);
  });

  it('not where it is costly, but bounded: a hundred thousand iterations', async () => {
    const credential = macWith({ type: 'pbm', iterations: 100_000 });
    expect((await client.ir({ key: newKey(), subject: 'CN=costly', credential })).pkiStatus).toBe('accepted');
  });
});

describe('A message whose protection is incomplete is refused', () => {
  it.each<[string, Partial<EnrollWish>]>([
    ['no protection at all', { credential: { kind: 'none' } }],
    ['a MAC algorithm without a MAC', { omit: ['protection'] }],
    ['a MAC without an algorithm', { omit: ['protectionAlg'] }],
    ['an empty MAC', { protection: new Uint8Array() }],
    ['another secret', { credential: { ...byMac, secret: 'another secret' } }],
    ['an unknown reference', { credential: { ...byMac, reference: 'unknown' } }],
    ['a header changed afterwards', { afterwards: { header: { freeText: ['changed'] } } }],
    ['a body changed afterwards', { afterwards: { body: sequence() } }],
  ])('%s: badMessageCheck', async (_what, wish) => {
    const send = () => client.ir({ key: newKey(), unchecked: ['protectionKind'], ...wish });
    const isBare = wish.credential?.kind === 'none' || wish.omit !== undefined;
    await expectRejected(test, send, { ...badCheck, ...(isBare ? { code: 'invalid-signature' } : {}) });
  });

  it('a wrong secret is told from an unknown reference by nothing', async () => {
    const answers = [];
    for (const credential of [
      { ...byMac, secret: 'another secret' },
      { ...byMac, reference: 'unknown' },
    ]) {
      const { failInfo, statusString, body } = await client.ir({
        key: newKey(),
        credential,
        unchecked: ['protectionKind'],
      });
      answers.push({ failInfo, statusString, body: body?.type });
    }
    expect(answers[0]).toEqual(answers[1]);
  });
});

describe('A protection certificate is refused (RFC 9483 3.2 and 3.5)', () => {
  const stranger = createManufacturer('Stranger');
  const born = vendor.device('O=Vendor,CN=born');
  const [leafCertificate = new Uint8Array(), issuer = new Uint8Array()] = born.chain;

  it.each<[string, CmpRefusal, () => Partial<EnrollWish>]>([
    [
      'without extraCerts',
      { failInfo: 'badMessageCheck', code: 'untrusted-signer' },
      () => ({ credential: signedBy(born), omit: ['extraCerts'] }),
    ],
    [
      'that is not the first of extraCerts',
      { failInfo: 'badMessageCheck', code: 'invalid-signature' },
      () => ({ credential: signedBy(born), extraCerts: [issuer, leafCertificate] }),
    ],
    [
      'of a CA that nobody trusts',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer' },
      () => ({ credential: signedBy(stranger.device('O=Stranger,CN=x')) }),
    ],
    [
      'that signs itself',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer' },
      () => ({
        credential: {
          kind: 'certificate',
          chain: makeChain([leaf('CN=self')]),
          privateKey: privateKeyOf('CN=self'),
        },
      }),
    ],
    [
      'that has expired',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer', says: 'the client certificate has expired' },
      () => ({ credential: signedBy(vendor.device('O=Vendor,CN=old', { notAfter: '2026-02-01T00:00:00Z' })) }),
    ],
    [
      'that has expired, of a CA that nobody trusts, which is said alone',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer', says: 'does not chain to a CA' },
      () => ({ credential: signedBy(stranger.device('O=Stranger,CN=old', { notAfter: '2026-02-01T00:00:00Z' })) }),
    ],
    [
      'that is not valid yet',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer' },
      () => ({ credential: signedBy(vendor.device('O=Vendor,CN=young', { notBefore: '2035-02-01T00:00:00Z' })) }),
    ],
    [
      'whose own signature is wrong',
      { failInfo: 'signerNotTrusted', code: 'untrusted-signer' },
      () => ({ credential: signedBy(vendor.device('O=Vendor,CN=tampered', { isTampered: true })) }),
    ],
    [
      'without digitalSignature',
      { failInfo: 'badMessageCheck', code: 'untrusted-signer' },
      () => ({
        credential: signedBy(vendor.device('O=Vendor,CN=ku', { extensions: [keyUsage('keyCertSign')] })),
      }),
    ],
  ])('%s', async (_what, refusal, wish) => {
    await expectRejected(test, () => client.ir({ key: newKey(), ...wish() }), refusal);
  });

  it('of a CA below the trusted one is taken with the chain between, and refused without it', async () => {
    const intermediate = { ...ca('O=Vendor,CN=Line', basicConstraints(true, 0)), signer: 'Vendor' };
    const [line = new Uint8Array(), own = new Uint8Array()] = makeChain([
      { ...intermediate, issuer: 'O=Vendor,CN=Vendor CA' },
      leaf('O=Vendor,CN=deep'),
    ]);
    const credential = {
      kind: 'certificate',
      chain: [own, line],
      privateKey: privateKeyOf('O=Vendor,CN=deep'),
    } as const;
    expect((await client.ir({ key: newKey(), subject: 'CN=deep', credential })).pkiStatus).toBe('accepted');
    const send = () => client.ir({ key: newKey(), credential, extraCerts: [own] });
    await expectRejected(test, send, { failInfo: 'signerNotTrusted', code: 'untrusted-signer' });
  });

  it('of this PKI is taken without the root, and refused without its issuer (the chain is not completed here)', async () => {
    const { credential, name } = await enrolled(test, { label: 'all' });
    const [own = new Uint8Array(), issuing = new Uint8Array()] = credential.chain;
    const wish = { key: newKey(), subject: `CN=${name}`, credential };
    expect((await client.cr({ ...wish, extraCerts: [own, issuing] })).pkiStatus).toBe('accepted');
    const send = () => client.cr({ ...wish, key: newKey(), extraCerts: [own] });
    await expectRejected(test, send, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });

  it('of this PKI that has expired', async () => {
    const old = await enrolled(test, { label: 'all' });
    clock.advance(91 * daySeconds);
    const send = () => client.cr({ key: newKey(), subject: `CN=${old.name}`, credential: old.credential });
    await expectRejected(test, send, { body: 'cp', failInfo: 'certRevoked', code: 'revoked-requester' });
  });
});

describe("The gateway's own certificate for CMP", () => {
  it('is renewed by the gateway before it ends', async () => {
    const ask = async () => {
      const credential = signedBy(vendor.device('O=Vendor,CN=asks'));
      const { message } = await client.genm('caCerts', undefined, { credential });
      return message?.extraCerts[0];
    };
    const first = await ask();
    expect(first?.issuer).toBe('O=Plant\nCN=Devices');
    clock.advance(400 * daySeconds);
    const second = await ask();
    expect(second?.fingerprint256).not.toBe(first?.fingerprint256);
    expect(Date.parse(second?.validTo ?? '')).toBeGreaterThan(clock.now().getTime());
  });
});

function pbm(iterations: Uint8Array): Uint8Array {
  const content = sequence(
    octetString(randomBytes(16)),
    sequence(oid(digestIds.sha256)),
    iterations,
    sequence(oid(hmacIds.sha256)),
  );
  return sequence(oid(macIds.pbm), content);
}
