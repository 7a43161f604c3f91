import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodePkiMessage, protectedPart } from '../../../../protocols/cmp/asn1/pki-message.js';
import { decodeMacAlgorithm, type MacAlgorithm } from '../../../../protocols/cmp/protection/mac-algorithms.js';
import { messageMacNames } from '../../../../src/model/message-protection.js';
import { DerError, DerReader } from '../../../../src/x509/der.js';
import * as w from '../../../../src/x509/der-writer.js';
import { UnsupportedAlgorithmError } from '../../../../src/x509/signature-algorithms.js';
import { createOpenSsl, type OpenSsl } from '../../../src/cms/openssl.js';
import { damaged } from '../../../src/x509/fixture.js';
import { kmac } from '../../../support/cmp/kmac.js';
import {
  baseKey,
  digestIdentifier,
  digests,
  gmacIdentifier,
  hmacIdentifier,
  kmacIdentifier,
  pbmac1Identifier,
  pbmIdentifier,
} from './identifiers.js';

const data = Buffer.from('what is protected');
const secret = Buffer.from('a shared secret, well known');
const salt = Buffer.from('some salt');
const nonce = Buffer.from('000102030405060708090a0b', 'hex');
const hex = (text: string) => Buffer.from(text, 'hex');

function algorithmOf(identifier: Uint8Array): MacAlgorithm {
  const algorithm = decodeMacAlgorithm(identifier);
  if (algorithm === undefined) throw new Error('no MAC');
  return algorithm;
}

async function expectMac(identifier: Uint8Array, shared: Uint8Array, mac: Uint8Array): Promise<MacAlgorithm> {
  const algorithm = algorithmOf(identifier);
  expect(Buffer.from(algorithm.identifier).equals(identifier)).toBe(true);
  const key = await algorithm.deriveKey(shared);
  expect(key.algorithm).toBe(algorithm);
  expect(key.verify(data, mac)).toBe(true);
  expect(key.verify(Buffer.from('what is not'), mac)).toBe(false);
  const corrupted = Uint8Array.from(mac);
  corrupted[0] = (corrupted[0] ?? 0) ^ 1;
  for (const wrong of [corrupted, mac.subarray(1), mac.subarray(0, 8), new Uint8Array(), Buffer.concat([mac, mac])]) {
    expect(key.verify(data, wrong)).toBe(false);
  }
  expect((await algorithm.deriveKey(Buffer.from('another secret'))).verify(data, mac)).toBe(false);
  return algorithm;
}

const gmac = (key: Uint8Array, iv: Uint8Array = nonce, content: Uint8Array = data) => {
  const cipher = createCipheriv(
    key.length === 16 ? 'aes-128-gcm' : key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm',
    key,
    iv,
  );
  cipher.setAAD(content).final();
  return cipher.getAuthTag();
};

describe('MACs by the shared secret itself (RFC 9481 6.2)', () => {
  it.each(digests)('verifies and makes HMAC with %s, with NULL and without parameters', async (digest) => {
    const expected = createHmac(digest, secret).update(data).digest();
    for (const parameters of [undefined, w.nullValue]) {
      const algorithm = await expectMac(hmacIdentifier(digest, parameters), secret, expected);
      expect(algorithm).toMatchObject({ name: `hmac-${digest}`, hashes: { mac: digest } });
      expect(Buffer.from((await algorithm.deriveKey(secret)).mac(data))).toEqual(expected);
      expect(algorithm.renewed()).toMatchObject({ identifier: algorithm.identifier });
    }
  });

  it('knows HMAC with SHA-1 by the name that openssl gives it (RFC 3370 3.1)', async () => {
    const identifier = w.sequence(w.oid('1.3.6.1.5.5.8.1.2'), w.nullValue);
    const algorithm = await expectMac(identifier, secret, createHmac('sha1', secret).update(data).digest());
    expect(algorithm.name).toBe('hmac-sha1');
  });

  describe('KMAC (RFC 8702 3.4)', () => {
    const key = hex('404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f');
    const short = hex('00010203');
    const long = Buffer.from(Array.from({ length: 200 }, (_, i) => i));
    const custom = w.octetString(Buffer.from('My Tagged Application'));
    it.each([
      ['1', kmacIdentifier(128), short, 'e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e'],
      [
        '2',
        kmacIdentifier(128, w.sequence(custom)),
        short,
        '3b1fba963cd8b0b59e8c1a6d71888b7143651af8ba0a7070c0979e2811324aa5',
      ],
      [
        '3',
        kmacIdentifier(128, w.sequence(w.smallInteger(256), custom)),
        long,
        '1f5b4e6cca02209e0dcb5ca635b89a15e271ecc760071dfd805faa38f9729230',
      ],
      [
        '4',
        kmacIdentifier(256, w.sequence(custom)),
        short,
        '20c570c31346f703c9ac36c61c03cb64c3970d0cfc787e9b79599d273a68d2f7f69d4cc3de9d104a351689f27cf6f5951f0103f33f4f24871024d9c27773a8dd',
      ],
      [
        '5',
        kmacIdentifier(256),
        long,
        '75358cf39e41494e949707927cee0af20a3ff553904c86b08f21cc414bcfd691589d27cf5e15369cbbff8b9a4c2eb17800855d0235ff635da82533ec6b759b69',
      ],
    ])('gives what sample %s of NIST says', async (_, identifier, content, expected) => {
      expect(Buffer.from((await algorithmOf(identifier).deriveKey(key)).mac(content)).toString('hex')).toBe(expected);
    });

    it.each([128, 256] as const)('verifies KMAC%s of another implementation', async (strength) => {
      const long = Buffer.concat([secret, secret]);
      const algorithm = await expectMac(kmacIdentifier(strength), long, kmac(strength, long, data, strength / 4));
      expect(algorithm).toMatchObject({ name: `kmac${strength}`, hashes: {} });
      expect(algorithm.renewed().identifier).toBe(algorithm.identifier);
      const parameters = w.sequence(w.smallInteger(160), w.octetString(Buffer.from('custom')));
      await expectMac(kmacIdentifier(strength, parameters), long, kmac(strength, long, data, 20, 'custom'));
    });

    it.each([128, 256] as const)(
      'KMAC%s takes a short secret as it is, and repeated; the answer is like the request',
      async (strength) => {
        const short = Buffer.from('SiemensIT');
        const repeated = Buffer.alloc(strength / 8, short);
        for (const taken of [short, repeated]) {
          const mac = kmac(strength, taken, data, strength / 4);
          const algorithm = await expectMac(kmacIdentifier(strength), short, mac);
          expect(Buffer.from((await algorithm.renewed().deriveKey(short)).mac(data)).equals(mac)).toBe(true);
        }
      },
    );

    it.each([8, 120, 129, 4104, 0])('takes no KMAC of %s bits, of which a sender could try all values', (bits) => {
      expect(() => decodeMacAlgorithm(kmacIdentifier(128, w.sequence(w.smallInteger(bits))))).toThrow(
        UnsupportedAlgorithmError,
      );
    });

    it('takes no customization string beyond 256 octets', () => {
      const parameters = w.sequence(w.octetString(new Uint8Array(257)));
      expect(() => decodeMacAlgorithm(kmacIdentifier(128, parameters))).toThrow(UnsupportedAlgorithmError);
    });
  });

  describe('AES-GMAC (RFC 9044)', () => {
    it('gives what NIST says (CAVP gcmEncryptExtIV128)', async () => {
      const identifier = gmacIdentifier(128, hex('e0e00f19fed7ba0136a797f3'), 16);
      const key = await algorithmOf(identifier).deriveKey(hex('77be63708971c4e240d1cb79e8d77feb'));
      const mac = key.mac(hex('7a43ec1d9c0a5a78a0b16533a6213cab'));
      expect(Buffer.from(mac).toString('hex')).toBe('209fcc8d3675ed938e9c7166709dd946');
    });

    it.each([128, 192, 256] as const)('verifies GMAC of %s bits, of its length or whole', async (bits) => {
      const key = Buffer.alloc(bits / 8, secret);
      const mac = gmac(key);
      const algorithm = await expectMac(gmacIdentifier(bits, nonce, 16), key, mac);
      expect(algorithm).toMatchObject({ name: `aes${bits}-gmac`, hashes: {} });
      const derived = await algorithmOf(gmacIdentifier(bits, nonce, 13)).deriveKey(key);
      expect([11, 12, 13, 14, 15, 16].filter((length) => derived.verify(data, mac.subarray(0, length)))).toEqual([
        13, 16,
      ]);
      const byDefault = await algorithmOf(gmacIdentifier(bits, nonce)).deriveKey(key);
      expect([11, 12, 13, 14, 15, 16].filter((length) => byDefault.verify(data, mac.subarray(0, length)))).toEqual([
        12, 16,
      ]);
    });

    it('never repeats a nonce, and answers with all 16 octets (RFC 9481 6.2.2, RFC 9045 4.4)', async () => {
      const key = randomBytes(16);
      const algorithm = algorithmOf(gmacIdentifier(128, nonce));
      const seen = new Set<string>();
      for (let i = 0; i < 20; i++) {
        const { identifier } = algorithm.renewed();
        const fresh = nonceOf(identifier);
        expect(fresh.nonce).toHaveLength(12);
        expect(fresh.length).toBe(16);
        seen.add(Buffer.from(fresh.nonce).toString('hex'));
        expect((await algorithmOf(identifier).deriveKey(key)).mac(data)).toEqual(gmac(key, fresh.nonce));
      }
      expect(seen.size).toBe(20);
      expect(seen.has(nonce.toString('hex'))).toBe(false);
    });

    it('repeats a secret that is too short for AES, and takes none that is too long', async () => {
      const short = Buffer.from('SiemensIT');
      await expectMac(gmacIdentifier(256, nonce, 16), short, gmac(Buffer.alloc(32, short)));
      const long = randomBytes(17);
      const key = await algorithmOf(gmacIdentifier(128, nonce, 16)).deriveKey(long);
      expect(key.verify(data, gmac(long.subarray(0, 16)))).toBe(false);
      const empty = await algorithmOf(gmacIdentifier(128, nonce, 16)).deriveKey(new Uint8Array());
      expect(empty.verify(data, gmac(new Uint8Array(16)))).toBe(false);
    });

    it.each<[string, Uint8Array]>([
      ['an empty nonce', gmacIdentifier(128, new Uint8Array())],
      ['a nonce of 129 octets', gmacIdentifier(128, new Uint8Array(129))],
      ['11 octets', gmacIdentifier(128, nonce, 11)],
      ['17 octets', gmacIdentifier(128, nonce, 17)],
    ])('does not take GMAC with %s', (_, identifier) => {
      expect(() => decodeMacAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
    });

    it('must have parameters', () => {
      expect(() => decodeMacAlgorithm(w.sequence(w.oid('2.16.840.1.101.3.4.1.9')))).toThrow(DerError);
    });
  });

  it('keeps nothing of the memory that the secret came in', async () => {
    for (const identifier of [hmacIdentifier('sha256'), kmacIdentifier(128), gmacIdentifier(128, nonce, 16)]) {
      const shared = Buffer.from('0123456789abcdef');
      const key = await algorithmOf(identifier).deriveKey(shared);
      const mac = key.mac(data);
      shared.fill(0);
      expect(key.mac(data)).toEqual(mac);
    }
  });
});

describe('PasswordBasedMac (RFC 9810 5.1.3.1)', () => {
  it.each(digests)('verifies and makes MACs with %s as one-way function and in HMAC', async (digest) => {
    const expected = createHmac(digest, baseKey(digest, secret, salt, 1000))
      .update(data)
      .digest();
    for (const parameters of [undefined, w.nullValue]) {
      const identifier = pbmIdentifier(digestIdentifier(digest, parameters), hmacIdentifier(digest, parameters));
      const algorithm = await expectMac(identifier, secret, expected);
      expect(algorithm).toMatchObject({ name: `pbm-hmac-${digest}`, hashes: { oneWay: digest, mac: digest } });
    }
  });

  it('takes the whole base key for KMAC, and as much of it as AES needs, expanded where it is too short', async () => {
    const base = baseKey('sha1', secret, salt, 1000);
    const of = (mac: Uint8Array) => pbmIdentifier(digestIdentifier('sha1'), mac);
    await expectMac(of(kmacIdentifier(256)), secret, kmac(256, base, data, 64));
    await expectMac(of(gmacIdentifier(128, nonce, 16)), secret, gmac(base.subarray(0, 16)));
    const more = createHash('sha1')
      .update(Buffer.concat([Buffer.from('1'), base]))
      .digest();
    const algorithm = await expectMac(
      of(gmacIdentifier(256, nonce, 16)),
      secret,
      gmac(Buffer.concat([base, more]).subarray(0, 32)),
    );
    expect(algorithm).toMatchObject({ name: 'pbm-aes256-gmac', hashes: { oneWay: 'sha1' } });
  });

  it.each(['openssl-ir-mac/01-ir', 'openssl-ir-mac/02-ip', 'openssl-ir-mac/03-certConf', 'openssl-error/01-ir'])(
    'verifies what openssl cmp has sent (%s)',
    async (name) => {
      const message = decodePkiMessage(Uint8Array.from(readFileSync(`fixtures/cmp/${name}.der`)));
      const algorithm = algorithmOf(message.header.protectionAlg ?? new Uint8Array());
      expect(algorithm).toMatchObject({ name: 'pbm-hmac-sha1', hashes: { oneWay: 'sha256', mac: 'sha1' } });
      const key = await algorithm.deriveKey(Buffer.from('test'));
      const mac = message.protection ?? new Uint8Array();
      expect(key.verify(protectedPart(message), mac)).toBe(true);
      expect((await algorithm.deriveKey(Buffer.from('Test'))).verify(protectedPart(message), mac)).toBe(false);
    },
  );

  it('answers with a salt of its own, all else being the same to the octet', async () => {
    const oneWay = digestIdentifier('sha384', w.nullValue);
    const mac = hmacIdentifier('sha512');
    const algorithm = algorithmOf(pbmIdentifier(oneWay, mac, { iterations: w.smallInteger(150) }));
    const salts = new Set<string>();
    for (let i = 0; i < 5; i++) {
      const renewed = algorithm.renewed().renewed();
      const fresh = saltOf(renewed.identifier);
      expect(fresh).toHaveLength(16);
      salts.add(Buffer.from(fresh).toString('hex'));
      expect(renewed.identifier).toEqual(pbmIdentifier(oneWay, mac, { salt: fresh, iterations: w.smallInteger(150) }));
      const expected = createHmac('sha512', baseKey('sha384', secret, fresh, 150))
        .update(data)
        .digest();
      expect((await renewed.deriveKey(secret)).mac(data)).toEqual(expected);
    }
    expect(salts.size).toBe(5);
  });

  it('derives another key and another nonce for GMAC in the answer', () => {
    const { identifier } = algorithmOf(pbmIdentifier(digestIdentifier('sha256'), gmacIdentifier(128, nonce))).renewed();
    expect(Buffer.from(identifier).includes(nonce)).toBe(false);
    expect(algorithmOf(identifier).name).toBe('pbm-aes128-gmac');
  });

  it.each<[string, Uint8Array]>([
    ['a billion', w.smallInteger(1_000_000_000)],
    ['2^200', w.unsignedInteger(Uint8Array.of(1, ...new Uint8Array(25)))],
    ['100,001', w.smallInteger(100_001)],
    ['99', w.smallInteger(99)],
    ['no', w.smallInteger(0)],
    ['minus one', Uint8Array.of(2, 1, 0xff)],
  ])('does not take %s iterations (RFC 9045 4.3: at least 100)', (_, iterations) => {
    const identifier = pbmIdentifier(digestIdentifier('sha256'), hmacIdentifier('sha256'), { iterations });
    expect(() => decodeMacAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
  });

  it('takes 100 and 100,000 iterations, and lets others have their turn', async () => {
    for (const count of [100, 100_000]) {
      const options = { iterations: w.smallInteger(count) };
      const algorithm = algorithmOf(pbmIdentifier(digestIdentifier('sha256'), hmacIdentifier('sha256'), options));
      let turns = 0;
      const other = setInterval(() => turns++, 1);
      const key = await algorithm.deriveKey(secret);
      clearInterval(other);
      if (count > 100) expect(turns).toBeGreaterThan(10);
      expect(
        key.verify(
          data,
          createHmac('sha256', baseKey('sha256', secret, salt, count))
            .update(data)
            .digest(),
        ),
      ).toBe(true);
    }
  });

  it('does not take a salt of more than 256 octets', () => {
    const of = (octets: number) =>
      pbmIdentifier(digestIdentifier('sha256'), hmacIdentifier('sha256'), { salt: Buffer.alloc(octets) });
    expect(() => decodeMacAlgorithm(of(257))).toThrow(UnsupportedAlgorithmError);
    expect(algorithmOf(of(256)).name).toBe('pbm-hmac-sha256');
  });

  it.each<[string, Uint8Array, Uint8Array]>([
    ['MD5', w.sequence(w.oid('1.2.840.113549.2.5')), hmacIdentifier('sha256')],
    ['SHAKE128', w.sequence(w.oid('2.16.840.1.101.3.4.2.11')), hmacIdentifier('sha256')],
    ['DES-MAC', digestIdentifier('sha256'), w.sequence(w.oid('1.3.14.3.2.10'), w.smallInteger(8))],
    ['itself', digestIdentifier('sha256'), pbmIdentifier(digestIdentifier('sha256'), hmacIdentifier('sha256'))],
  ])('does not take %s inside', (_, oneWay, mac) => {
    expect(() => decodeMacAlgorithm(pbmIdentifier(oneWay, mac))).toThrow(UnsupportedAlgorithmError);
  });

  it('must have parameters', () => {
    expect(() => decodeMacAlgorithm(w.sequence(w.oid('1.2.840.113533.7.66.13')))).toThrow(DerError);
  });
});

describe('PBMAC1 (RFC 8018 7.1)', () => {
  it.each(digests)('verifies and makes MACs with %s in PBKDF2 and in HMAC', async (digest) => {
    const derived = pbkdf2Sync(secret, salt, 1000, 32, digest);
    const identifier = pbmac1Identifier(hmacIdentifier(digest), { prf: hmacIdentifier(digest), keyLength: 32 });
    const algorithm = await expectMac(identifier, secret, createHmac(digest, derived).update(data).digest());
    expect(algorithm).toMatchObject({ name: `pbmac1-hmac-${digest}`, hashes: { mac: digest } });
  });

  it('takes HMAC with SHA-1 and the length of the digest where it does not say', async () => {
    const derived = pbkdf2Sync(secret, salt, 1000, 48, 'sha1');
    const identifier = pbmac1Identifier(hmacIdentifier('sha384', w.nullValue));
    await expectMac(identifier, secret, createHmac('sha384', derived).update(data).digest());
  });

  it('derives keys for KMAC and AES-GMAC', async () => {
    const prf = hmacIdentifier('sha256', w.nullValue);
    const derived = pbkdf2Sync(secret, salt, 1000, 32, 'sha256');
    await expectMac(pbmac1Identifier(kmacIdentifier(256), { prf }), secret, kmac(256, derived, data, 64));
    await expectMac(pbmac1Identifier(gmacIdentifier(256, nonce, 16), { prf }), secret, gmac(derived));
  });

  it('answers with a salt of its own, all else being the same to the octet', async () => {
    const prf = hmacIdentifier('sha512', w.nullValue);
    for (const keyLength of [undefined, 20]) {
      const length = keyLength === undefined ? {} : { keyLength };
      const algorithm = algorithmOf(pbmac1Identifier(hmacIdentifier('sha256'), { prf, iterations: 7, ...length }));
      const { identifier, deriveKey } = algorithm.renewed();
      const fresh = saltOf(identifier);
      expect(fresh).not.toEqual(salt);
      expect(identifier).toEqual(
        pbmac1Identifier(hmacIdentifier('sha256'), { prf, iterations: 7, salt: fresh, ...length }),
      );
      const derived = pbkdf2Sync(secret, fresh, 7, keyLength ?? 32, 'sha512');
      expect((await deriveKey(secret)).mac(data)).toEqual(createHmac('sha256', derived).update(data).digest());
    }
  });

  it.each<[string, Uint8Array]>([
    ['600,001 iterations', pbmac1Identifier(hmacIdentifier('sha256'), { iterations: 600_001 })],
    ['no iterations', pbmac1Identifier(hmacIdentifier('sha256'), { iterations: 0 })],
    ['a salt of 257 octets', pbmac1Identifier(hmacIdentifier('sha256'), { salt: new Uint8Array(257) })],
    // Of which a sender who does not know the secret could try all.
    ['a key of one octet', pbmac1Identifier(hmacIdentifier('sha256'), { keyLength: 1 })],
    ['a key of 15 octets', pbmac1Identifier(hmacIdentifier('sha256'), { keyLength: 15 })],
    ['a key of 65 octets', pbmac1Identifier(hmacIdentifier('sha256'), { keyLength: 65 })],
    ['a key of 24 octets for AES-128', pbmac1Identifier(gmacIdentifier(128, nonce), { keyLength: 24 })],
    [
      'AES-GMAC in PBKDF2 (RFC 9481 6.2.2)',
      pbmac1Identifier(hmacIdentifier('sha256'), { prf: gmacIdentifier(128, nonce) }),
    ],
    ['KMAC in PBKDF2', pbmac1Identifier(hmacIdentifier('sha256'), { prf: kmacIdentifier(128) })],
    ['another MAC', pbmac1Identifier(digestIdentifier('sha256'))],
    [
      'scrypt',
      w.sequence(
        w.oid('1.2.840.113549.1.5.14'),
        w.sequence(w.sequence(w.oid('1.3.6.1.4.1.11591.4.11'), w.sequence()), hmacIdentifier('sha256')),
      ),
    ],
  ])('does not take %s', (_, identifier) => {
    expect(() => decodeMacAlgorithm(identifier)).toThrow(UnsupportedAlgorithmError);
  });
});

describe('MAC algorithms', () => {
  let openssl: OpenSsl;
  beforeAll(() => {
    openssl = createOpenSsl();
    openssl.write('data', data);
  });
  afterAll(() => openssl.remove());

  it.each<[string, Uint8Array, string[]]>([
    ['KMAC128', kmacIdentifier(128), ['-macopt', 'size:32', 'KMAC-128']],
    ['KMAC256', kmacIdentifier(256), ['-macopt', 'size:64', 'KMAC-256']],
    ['HMAC with SHA3-384', hmacIdentifier('sha3-384'), ['-digest', 'SHA3-384', 'HMAC']],
    [
      'AES-GMAC',
      gmacIdentifier(256, nonce, 16),
      ['-cipher', 'AES-256-GCM', '-macopt', `hexiv:${nonce.toString('hex')}`, 'GMAC'],
    ],
  ])('verifies %s of openssl', async (_, identifier, options) => {
    const key = randomBytes(32);
    const printed = openssl.run('mac', '-macopt', `hexkey:${key.toString('hex')}`, '-in', 'data', ...options);
    await expectMac(identifier, key, hex(printed.toString('latin1').trim()));
  });

  it('have a name for each, and no other names', () => {
    const functions = [
      ...digests.map((digest) => hmacIdentifier(digest)),
      ...([128, 256] as const).map((strength) => kmacIdentifier(strength)),
      ...([128, 192, 256] as const).map((bits) => gmacIdentifier(bits, nonce)),
    ];
    const identifiers = functions.flatMap((each) => [
      each,
      pbmIdentifier(digestIdentifier('sha256'), each),
      pbmac1Identifier(each),
    ]);
    expect(identifiers.map((each) => algorithmOf(each).name).toSorted()).toEqual(messageMacNames.toSorted());
  });

  it.each(['1.2.840.113549.1.1.11', '1.3.101.112', '1.2.3'])('leave %s to others', (id) => {
    expect(decodeMacAlgorithm(w.sequence(w.oid(id)))).toBeUndefined();
    expect(decodeMacAlgorithm(w.sequence(w.oid(id), w.nullValue))).toBeUndefined();
  });

  const samples = [
    hmacIdentifier('sha256', w.nullValue),
    kmacIdentifier(128, w.sequence(w.smallInteger(256))),
    gmacIdentifier(128, nonce, 16),
    pbmIdentifier(digestIdentifier('sha256'), hmacIdentifier('sha256')),
    pbmac1Identifier(hmacIdentifier('sha256'), { prf: hmacIdentifier('sha256'), keyLength: 32 }),
  ];

  it.each(samples.flatMap((sample) => damaged(sample)))('refuse an identifier that is %s', (_, der) => {
    expect(() => decodeMacAlgorithm(der)).toThrow(DerError);
  });

  it('throw nothing but their two errors for damaged parameters', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (sample, changes) => {
          const der = Uint8Array.from(sample);
          for (const [at, octet] of changes) der[at % der.length] = octet;
          try {
            decodeMacAlgorithm(der);
          } catch (error) {
            expect(error instanceof DerError || error instanceof UnsupportedAlgorithmError).toBe(true);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function nonceOf(identifier: Uint8Array): { nonce: Uint8Array; length: number } {
  return DerReader.decode(identifier, (r) =>
    r.sequence((a) => {
      a.oid();
      return a.sequence((p) => ({ nonce: p.octetString(), length: p.smallInteger() }));
    }),
  );
}

/** The first OCTET STRING of 16 octets. */
function saltOf(identifier: Uint8Array): Uint8Array {
  const at = Buffer.from(identifier).indexOf(Buffer.of(4, 16));
  return identifier.subarray(at + 2, at + 18);
}
