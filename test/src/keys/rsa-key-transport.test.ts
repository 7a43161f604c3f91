import { constants, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createKeyOpener } from '../../../src/keys/rsa-key-transport.js';
import { type KeyTransport, oaepHashes } from '../../../src/x509/key-transport.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const openKey = createKeyOpener(privateKey);
const modulusLength = 256;
const key = randomBytes(16);

function encrypt(transport: KeyTransport, plaintext: Uint8Array = key): Buffer {
  const oaepHash = oaepHashes[transport];
  if (oaepHash === undefined) {
    return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, plaintext);
  }
  return publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, plaintext);
}

/** Encrypts a block of the modulus's length as it is. */
function encryptBlock(block: Uint8Array): Buffer {
  return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block);
}

/** A block as PKCS #1 v1.5 makes it, with these octets set otherwise. */
function block(changes: Readonly<Record<number, number>> = {}, content: Uint8Array = key): Uint8Array {
  const octets = new Uint8Array(modulusLength).fill(0xa5);
  octets.set([0, 2]);
  octets[modulusLength - content.length - 1] = 0;
  octets.set(content, modulusLength - content.length);
  for (const [at, octet] of Object.entries(changes)) octets[Number(at)] = octet;
  return octets;
}

async function expectRandomOctets(transport: KeyTransport, encryptedKey: Uint8Array, length = 16): Promise<void> {
  const first = await openKey(transport, encryptedKey, length);
  const second = await openKey(transport, encryptedKey, length);
  expect([first.length, second.length]).toEqual([length, length]);
  expect(Buffer.compare(first, second)).not.toBe(0);
  expect(Buffer.compare(first, key.subarray(0, length))).not.toBe(0);
}

describe('opening keys (RFC 8017 sections 7.1 and 7.2)', () => {
  it.each(Object.keys(oaepHashes) as KeyTransport[])('opens what was encrypted with %s', async (transport) => {
    for (const length of [8, 16, 24, 32]) {
      const contentKey = randomBytes(length);
      const opened = await openKey(transport, encrypt(transport, contentKey), length);
      expect(Buffer.compare(opened, contentKey)).toBe(0);
    }
  });

  it('opens keys of all zero octets, and padding of any other octets', async () => {
    const zeros = new Uint8Array(16);
    expect(Buffer.compare(await openKey('rsa-pkcs1', encryptBlock(block({}, zeros)), 16), zeros)).toBe(0);
    for (const octet of [1, 0x7f, 0x80, 0xff]) {
      const opened = await openKey('rsa-pkcs1', encryptBlock(block({ 2: octet, 100: octet, 238: octet })), 16);
      expect(Buffer.compare(opened, key)).toBe(0);
    }
  });

  it.each([
    ['a first octet that is not 0', { 0: 1 }],
    ['a second octet that is not 2', { 1: 1 }],
    ['a second octet of 0', { 1: 0 }],
    ['no padding before the first 0', { 2: 0 }],
    ['seven octets of padding', { 9: 0 }],
    ['a 0 in the midst of the padding, so that the key is longer', { 120: 0 }],
    ['a 0 just before the one that ends the padding', { 238: 0 }],
    ['no 0 behind the padding', { 239: 0xff }],
    ['no 0 behind the padding but one in the key, which is shorter', { 239: 1, 240: 0 }],
  ])('gives random octets for %s (RFC 3218 section 2.3.2)', async (_, changes) => {
    await expectRandomOctets('rsa-pkcs1', encryptBlock(block(changes)));
  });

  it('gives random octets for a key of another length', async () => {
    for (const transport of Object.keys(oaepHashes) as KeyTransport[]) {
      await expectRandomOctets(transport, encrypt(transport, randomBytes(15)));
      await expectRandomOctets(transport, encrypt(transport, randomBytes(17)));
      await expectRandomOctets(transport, encrypt(transport), 32);
    }
  });

  it('gives random octets for a ciphertext of another length, and for one that is no number below the modulus', async () => {
    for (const transport of Object.keys(oaepHashes) as KeyTransport[]) {
      const encrypted = encrypt(transport);
      await expectRandomOctets(transport, new Uint8Array(0));
      await expectRandomOctets(transport, encrypted.subarray(1));
      await expectRandomOctets(transport, Buffer.concat([new Uint8Array(1), encrypted]));
      await expectRandomOctets(transport, new Uint8Array(modulusLength).fill(0xff));
      await expectRandomOctets(transport, new Uint8Array(modulusLength));
    }
  });

  it('gives random octets for another algorithm, another key and changed octets', async () => {
    await expectRandomOctets('rsa-pkcs1', encrypt('rsa-oaep-sha1'));
    await expectRandomOctets('rsa-oaep-sha1', encrypt('rsa-pkcs1'));
    await expectRandomOctets('rsa-oaep-sha256', encrypt('rsa-oaep-sha1'));
    for (const at of [0, 128, 255]) {
      const changed = Uint8Array.from(encrypt('rsa-pkcs1'));
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expectRandomOctets('rsa-pkcs1', changed);
    }
    const other = createKeyOpener(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
    expect(Buffer.compare(await other('rsa-pkcs1', encrypt('rsa-pkcs1'), 16), key)).not.toBe(0);
  });

  it('gives random octets where no padding could stand before the key', async () => {
    await expectRandomOctets('rsa-pkcs1', encrypt('rsa-pkcs1'), modulusLength);
  });
});
