import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signedAnew } from '../../support/cmp/signatures.js';
import { applyYaml, fleet, fleetPasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey, rsaKey } from '../../support/make-csr.js';
import { countRecords } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient, type ScepOutcome } from '../../support/scep-client.js';
import type { PkiMessageOptions } from '../../support/scep-message.js';
import { expectFailure } from '../../support/scep-refusals.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let modern: ScepClient;
let legacy: ScepClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet, settings: { failedAuthenticationsPerMinute: '10000' } });
  await applyYaml(test, policyLike('legacy', 'scep: { legacy: true }'));
  modern = createScepClient(test, { label: 'fleet' });
  legacy = createScepClient(test, { label: 'legacy' });
});
afterAll(async () => {
  modern.close();
  legacy.close();
  await test.close();
});

const keys: Readonly<Record<'rsa' | 'P-256' | 'P-384' | 'ed25519', KeyPair>> = {
  rsa: rsaKey,
  'P-256': newKey(),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: generateKeyPairSync('ed25519'),
};
let transactions = 0;

/** A transaction of its own by a device of each key. */
function ask(
  client: ScepClient,
  key: keyof typeof keys,
  message: Partial<PkiMessageOptions>,
  challenge: { readonly challenge?: string } = { challenge: fleetPasscode },
): Promise<ScepOutcome> {
  const transactionId = `transaction-${++transactions}`;
  return client.enroll({ key: keys[key], subject: `CN=device with ${key}`, transactionId, message, ...challenge });
}

async function expectBadAlgorithm(outcome: ScepOutcome, says: string): Promise<void> {
  await expectFailure(test, outcome, { failInfo: 'badAlg', code: 'unsupported-algorithm', says });
}

describe('the content cipher of a SCEP request', () => {
  const ciphers = ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc'] as const;

  it.each(ciphers.flatMap((cipher) => (['rsa', 'P-256', 'ed25519'] as const).map((key) => [cipher, key] as const)))(
    '%s is that of the answer to a device with %s',
    async (cipher, key) => {
      const outcome = await ask(modern, key, { cipher });
      expect(outcome.reply?.envelope?.cipher).toBe(cipher);
      expect(issuedBy(outcome).checkPrivateKey(keys[key].privateKey)).toBe(true);
    },
  );

  it('des-cbc is badAlg without the legacy switch, and issues nothing', async () => {
    const before = await countRecords(test);
    await expectBadAlgorithm(await ask(modern, 'rsa', { cipher: 'des-cbc' }), 'DES');
    expect(await countRecords(test)).toEqual(before);
  });

  it('des-cbc is that of the answer with the legacy switch', async () => {
    const outcome = await ask(legacy, 'rsa', { cipher: 'des-cbc' });
    expect(outcome.reply?.envelope?.cipher).toBe('des-cbc');
    expect(issuedBy(outcome).subject).toBe('CN=device with rsa');
  });

  it('des-cbc of an EC key is answered with triple DES, since no AES key wrap takes its keys', async () => {
    const outcome = await ask(legacy, 'P-256', { cipher: 'des-cbc' });
    expect(outcome.reply?.envelope).toMatchObject({ cipher: 'des-ede3-cbc', recipient: 'key-agreement' });
  });
});

describe('the digest of a SCEP request', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)('%s is that of the answer', async (digest) => {
    for (const key of ['rsa', 'P-256'] as const) {
      const { reply } = await ask(modern, key, { digest });
      expect(reply).toMatchObject({ pkiStatus: 'SUCCESS', signer: { digest, isValid: true } });
    }
  });

  it('sha1 is badAlg without the legacy switch, in an answer with SHA-256', async () => {
    const before = await countRecords(test);
    const outcome = await ask(modern, 'rsa', { digest: 'sha1' });
    await expectBadAlgorithm(outcome, 'SHA-1');
    expect(outcome.reply?.signer.digest).toBe('sha256');
    expect(await countRecords(test)).toEqual(before);
  });

  it.each(['rsa', 'P-256'] as const)('sha1 is that of the answer to %s with the legacy switch', async (key) => {
    const { reply } = await ask(legacy, key, { digest: 'sha1', cipher: 'des-ede3-cbc' });
    expect(reply).toMatchObject({ pkiStatus: 'SUCCESS', signer: { digest: 'sha1', isValid: true } });
  });

  it('md5 is badAlg always', async () => {
    const before = await countRecords(test);
    for (const client of [modern, legacy]) {
      const outcome = await ask(client, 'rsa', { digest: 'md5' });
      await expectBadAlgorithm(outcome, '');
      expect(outcome.reply?.signer.digest).toBe('sha256');
    }
    expect(await countRecords(test)).toEqual(before);
  });
});

describe('the hash that a PKCS #10 request is signed with', () => {
  // The template names no hashes: SHA-1 is not among those that it then takes.
  const signedWithSha1 = (key: KeyPair, subject: string, transactionId: string) => ({
    key,
    subject,
    transactionId,
    csr: makeCsr({ key, subject, hash: 'sha1', challengePassword: fleetPasscode }),
  });

  it.each(['rsa', 'P-256'] as const)(
    'may be SHA-1 by %s with the legacy switch, whatever the template says',
    async (key) => {
      const outcome = await legacy.enroll(signedWithSha1(keys[key], `CN=device with ${key}`, `sha1-request-${key}`));
      expect(issuedBy(outcome).checkPrivateKey(keys[key].privateKey)).toBe(true);
    },
  );

  it.each(['rsa', 'P-256'] as const)('is not SHA-1 by %s without the legacy switch', async (key) => {
    const before = await countRecords(test);
    const outcome = await modern.enroll(signedWithSha1(keys[key], `CN=device with ${key}`, `sha1-request-${key}`));
    await expectBadAlgorithm(outcome, 'sha1');
    expect(await countRecords(test)).toEqual(before);
  });

  it('is not SHA3-256, which only CMP takes', async () => {
    const [subject, key] = ['CN=device with P-256', keys['P-256']];
    const csr = signedAnew(
      makeCsr({ key, subject, challengePassword: fleetPasscode }),
      'ecdsa-sha3-256',
      key.privateKey,
    );
    const outcome = await modern.enroll({ key, subject, transactionId: 'sha3-request', csr });
    await expectFailure(test, outcome, { failInfo: 'badRequest', code: 'malformed-request', says: 'valid signature' });
  });
});

describe('the key transport of a SCEP request', () => {
  it.each(['rsa-pkcs1', 'rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha384', 'rsa-oaep-sha512'] as const)(
    '%s is that of the answer to an RSA key',
    async (keyTransport) => {
      const outcome = await ask(modern, 'rsa', { keyTransport });
      expect(outcome.reply?.envelope?.recipient).toBe(keyTransport);
      expect(issuedBy(outcome).checkPrivateKey(rsaKey.privateKey)).toBe(true);
    },
  );
});

describe('the answer to a device without RSA key', () => {
  it.each(['P-256', 'P-384'] as const)('of %s is encrypted by key agreement (RFC 5753)', async (key) => {
    for (const keyTransport of ['rsa-pkcs1', 'rsa-oaep-sha256'] as const) {
      const outcome = await ask(modern, key, { keyTransport });
      expect(outcome.reply?.envelope?.recipient).toBe('key-agreement');
      expect(issuedBy(outcome).checkPrivateKey(keys[key].privateKey)).toBe(true);
    }
  });

  it('of Ed25519 is encrypted with the challenge (RFC 8894 3.1)', async () => {
    const outcome = await ask(modern, 'ed25519', { digest: 'sha512' });
    expect(outcome.reply).toMatchObject({ signer: { digest: 'sha512' }, envelope: { recipient: 'password' } });
    expect(issuedBy(outcome).checkPrivateKey(keys.ed25519.privateKey)).toBe(true);
  });

  it('of Ed25519 without a challenge is refused before anything is issued', async () => {
    const before = await countRecords(test);
    await expectBadAlgorithm(await ask(modern, 'ed25519', {}, {}), 'challengePassword');
    expect(await countRecords(test)).toEqual(before);
  });

  it('of a renewal with Ed25519 needs a challenge too, which is looked at for nothing else', async () => {
    const certificate = issuedBy(await ask(modern, 'ed25519', {}));
    const identity = { chain: [certificate.raw], privateKey: keys.ed25519.privateKey };
    const wish = { key: newKey(), subject: 'CN=device with ed25519', identity };
    const before = await countRecords(test);
    await expectBadAlgorithm(await modern.renew(wish), 'challengePassword');
    expect(await countRecords(test)).toEqual(before);
    const outcome = await modern.renew({ ...wish, challenge: 'any password of the device' });
    expect(outcome.reply?.envelope?.recipient).toBe('password');
    expect(issuedBy(outcome).checkPrivateKey(wish.key.privateKey)).toBe(true);
  });
});

describe('a SCEP message in BER with indefinite lengths, as old clients send it', () => {
  it.each(['rsa', 'P-256', 'ed25519'] as const)('of %s is answered in DER', async (key) => {
    for (const method of ['POST', 'GET'] as const) {
      const transactionId = `indefinite-${key}-${method}`;
      const wish = { key: keys[key], subject: `CN=device with ${key}`, challenge: fleetPasscode, transactionId };
      const outcome = await modern.enroll({ ...wish, method, message: { isIndefinite: true } });
      expect(issuedBy(outcome).checkPrivateKey(keys[key].privateKey)).toBe(true);
      expect(outcome.answer.body.subarray(0, 2)).toEqual(Buffer.of(0x30, 0x82));
    }
  });

  it('is verified like any other', async () => {
    const outcome = await ask(modern, 'rsa', { isIndefinite: true, damage: 'messageDigest' });
    await expectFailure(test, outcome, { failInfo: 'badMessageCheck', code: 'invalid-signature' });
  });
});
