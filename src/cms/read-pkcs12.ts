/** RFC 7292: reads a PKCS #12 file under a password, as far as it has one private key and certificates. */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { DerError, DerReader, Tag } from '../x509/der.js';
import { idSha1, idSha256, idSha384, idSha512 } from '../x509/oids.js';
import { decodeAlgorithm } from '../x509/signature-algorithms.js';
import { toDer } from './ber.js';
import { CmsError } from './cms-error.js';
import { decryptByPassword, mostPkcs12Iterations, pkcs12Password, WrongPasswordError } from './decrypt-by-password.js';
import { idData } from './oids.js';
import { derivePkcs12Octets, type Pkcs12Derivation } from './pkcs12-kdf.js';

export interface Pkcs12Content {
  /** DER PrivateKeyInfo, for the caller to wipe. */
  readonly privateKey: Uint8Array;
  /** DER, in the order of the file. */
  readonly certificates: readonly Uint8Array[];
}

/**
 * Reads a PFX, in DER or BER. Its MAC is verified before anything in it is opened.
 * @throws WrongPasswordError; CmsError for what is not supported, has no key, or more than one; DerError
 */
export async function readPkcs12(ber: Uint8Array, password: string): Promise<Pkcs12Content> {
  const { authSafe, mac } = DerReader.decode(toDer(ber), (r) =>
    r.sequence((pfx) => {
      if (pfx.smallInteger() !== 3) throw new CmsError('unsupported', 'a version of PKCS #12 that is not known');
      return { authSafe: readContentInfo(pfx), mac: pfx.more ? pfx.element(Tag.sequence) : undefined };
    }),
  );
  if (authSafe.contentType !== idData) throw new CmsError('unsupported', 'the file is signed instead of having a MAC');
  if (mac === undefined)
    throw new CmsError('unsupported', 'the file has no MAC, so that nobody knows whether it is whole');
  const content = DerReader.decode(authSafe.content, (r) => r.octetString());
  await verifyMac(mac, content, password);
  const safes = DerReader.decode(toDer(content), (r) => r.each(Tag.sequence, readContentInfo, mostSafes));
  const bags: Bag[] = [];
  for (const safe of safes) bags.push(...(await openSafe(safe, password)));
  return await readBags(bags, password);
}

interface Content {
  readonly contentType: string;
  /** DER. */
  readonly content: Uint8Array;
}

interface Bag {
  readonly id: string;
  /** DER. */
  readonly value: Uint8Array;
}

function readContentInfo(reader: DerReader): Content {
  return reader.sequence((info) => ({
    contentType: info.oid(),
    content: info.inside(Tag.context(0), (inside) => inside.element()),
  }));
}

async function verifyMac(mac: Uint8Array, content: Uint8Array, password: string): Promise<void> {
  const { algorithm, expected, salt, iterations } = DerReader.decode(mac, (r) =>
    r.sequence((data) => {
      const info = data.sequence((d) => ({ algorithm: d.element(Tag.sequence), expected: d.octetString() }));
      return { ...info, salt: data.octetString(), iterations: data.more ? data.smallInteger() : 1 };
    }),
  );
  const { id } = decodeAlgorithm(algorithm);
  const digest = digests.get(id);
  if (id === idPbmac1) {
    throw new CmsError('unsupported', 'its MAC is PBMAC1 (RFC 9579): write it anew without (openssl pkcs12 -export)');
  }
  if (digest === undefined) throw new CmsError('unsupported', `its MAC has the hash ${id}`);
  if (iterations < 1 || iterations > mostPkcs12Iterations) {
    throw new CmsError('unsupported', `its MAC takes ${iterations} rounds of hashing, more than are done`);
  }
  // B.1: no password is a terminator alone for some writers, nothing at all for others.
  const forms = password === '' ? [pkcs12Password(''), new Uint8Array(0)] : [pkcs12Password(password)];
  for (const form of forms) {
    const { name, length } = digest;
    const shared = { digest: name, purpose: 'mac', salt, iterations, length } as const;
    const key = await derivePkcs12Octets({ ...shared, password: form });
    const actual = createHmac(name, key).update(content).digest();
    if (expected.length === actual.length && timingSafeEqual(actual, expected)) return;
  }
  throw new WrongPasswordError();
}

async function openSafe({ contentType, content }: Content, password: string): Promise<Bag[]> {
  if (contentType === idData) {
    const octets = DerReader.decode(content, (r) => r.octetString());
    return DerReader.decode(toDer(octets), readSafe);
  }
  if (contentType !== idEncryptedData) {
    throw new CmsError('unsupported', 'a part of the file is encrypted to a certificate instead of under the password');
  }
  const { algorithm, encrypted } = DerReader.decode(content, (r) =>
    r.sequence((data) => {
      data.smallInteger();
      return data.sequence((c) => {
        if (c.oid() !== idData)
          throw new CmsError('unsupported', 'an encrypted part of the file is of an unknown kind');
        return { algorithm: c.element(Tag.sequence), encrypted: readEncrypted(c) };
      });
    }),
  );
  return DerReader.decode(toDer(await decryptByPassword(algorithm, encrypted, password)), readSafe);
}

/** IMPLICIT OCTET STRING: whole, or in segments where the file is BER. */
function readEncrypted(reader: DerReader): Uint8Array {
  if (reader.tag === Tag.contextPrimitive(0)) return reader.octetString(Tag.contextPrimitive(0));
  return Buffer.concat(reader.each(Tag.context(0), (segment) => segment.octetString()));
}

function readSafe(reader: DerReader): Bag[] {
  return reader.each(
    Tag.sequence,
    (bags) =>
      bags.sequence((bag) => {
        const id = bag.oid();
        const value = bag.inside(Tag.context(0), (inside) => inside.element());
        if (bag.more) bag.element(Tag.set);
        return { id, value };
      }),
    mostBags,
  );
}

async function readBags(bags: readonly Bag[], password: string): Promise<Pkcs12Content> {
  if (bags.some(({ id }) => id === idSafeContentsBag)) throw new CmsError('unsupported', 'the file is nested');
  const [key, ...others] = bags.filter(({ id }) => id === idKeyBag || id === idShroudedKeyBag);
  if (key === undefined) throw new CmsError('malformed', 'the file has no private key');
  if (others.length > 0) throw new CmsError('unsupported', 'the file has several private keys: which one is meant?');
  const certificates = bags.filter(({ id }) => id === idCertBag).map(({ value }) => readCertificateBag(value));
  const privateKey = key.id === idKeyBag ? Uint8Array.from(key.value) : await decryptPrivateKey(key.value, password);
  return { privateKey, certificates };
}

function readCertificateBag(value: Uint8Array): Uint8Array {
  return DerReader.decode(value, (r) =>
    r.sequence((bag) => {
      if (bag.oid() !== idX509Certificate) throw new CmsError('unsupported', 'a certificate that is not X.509');
      return bag.inside(Tag.context(0), (inside) => inside.octetString());
    }),
  );
}

/**
 * Opens an EncryptedPrivateKeyInfo (RFC 5958 3), DER; returns the PrivateKeyInfo, DER, for the caller to wipe.
 * @throws WrongPasswordError, CmsError or DerError
 */
export async function decryptPrivateKey(der: Uint8Array, password: string): Promise<Uint8Array> {
  const { algorithm, encrypted } = DerReader.decode(der, (r) =>
    r.sequence((info) => ({ algorithm: info.element(Tag.sequence), encrypted: info.octetString() })),
  );
  const opened = await decryptByPassword(algorithm, encrypted, password);
  try {
    return DerReader.decode(opened, (r) => r.element(Tag.sequence));
  } catch (error) {
    // One wrong key in 256 leaves what looks like proper padding.
    if (error instanceof DerError) throw new WrongPasswordError();
    throw error;
  }
}

const digests: ReadonlyMap<string, { name: Pkcs12Derivation['digest']; length: number }> = new Map([
  [idSha1, { name: 'sha1', length: 20 }],
  [idSha256, { name: 'sha256', length: 32 }],
  [idSha384, { name: 'sha384', length: 48 }],
  [idSha512, { name: 'sha512', length: 64 }],
]);
/** Each may take a key of its own, which takes long. */
const mostSafes = 8;
const mostBags = 32;
const idEncryptedData = '1.2.840.113549.1.7.6';
const idPbmac1 = '1.2.840.113549.1.5.14';
const idKeyBag = '1.2.840.113549.1.12.10.1.1';
const idShroudedKeyBag = '1.2.840.113549.1.12.10.1.2';
const idCertBag = '1.2.840.113549.1.12.10.1.3';
const idSafeContentsBag = '1.2.840.113549.1.12.10.1.6';
const idX509Certificate = '1.2.840.113549.1.9.22.1';
