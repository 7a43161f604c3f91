/** RFC 7292: PKCS #12, one file under a password with a private key, its certificate and what leads to the root. */

import { createHash } from 'node:crypto';
import { Tag } from '../x509/der.js';
import { explicit, octetString, oid, sequence, setOf, smallInteger, tlv } from '../x509/der-writer.js';
import { encodeContentInfo } from './content-info.js';
import { encodeEncryptedPrivateKey } from './encrypted-private-key.js';
import { idData } from './oids.js';
import { derivePasswordKey, encryptByPassword, type PasswordKey } from './pbes2.js';
import { encodeBmp, encodeMacData } from './pkcs12-mac.js';

export interface Pkcs12 {
  /** DER PrivateKeyInfo. */
  readonly privateKey: Uint8Array;
  /** DER; that of the key. */
  readonly certificate: Uint8Array;
  /** DER: who has issued it and so on, without the certificate itself. */
  readonly chain: readonly Uint8Array[];
  /** Beyond ASCII it is read by OpenSSL, not by Java, which knows no such password for PBES2. */
  readonly password: string;
  /** What the key and its certificate are called where the file is read, Java's alias: 1 to 255 UTF-16 units. */
  readonly friendlyName?: string;
}

/**
 * Encodes a PFX (DER): PBES2 over certificates and key, HMAC-SHA-256 over all. It takes a tenth of a second of the
 * thread pool, and some 20 ms of the event loop in short turns, so that the caller bounds how many run at once. The MAC
 * is what guesses at the password are cheapest at: a password that somebody chose is safer with `encryptPrivateKey`.
 * @throws RangeError for a password that `isUsablePassword` refuses and a friendly name that is none
 */
export async function encodePkcs12(content: Pkcs12): Promise<Uint8Array> {
  const { privateKey, certificate, chain, password, friendlyName } = content;
  const attributes = encodeAttributes(certificate, friendlyName);
  // The vectors differ, so that one key does for both: a second one would cost us, and those who guess nothing.
  const key = await derivePasswordKey(password, iterations);
  const certificates = sequence(certificateBag(certificate, attributes), ...chain.map((c) => certificateBag(c)));
  const safe = sequence(
    encodeContentInfo(idEncryptedData, encodeEncryptedData(key, certificates)),
    encodeContentInfo(idData, octetString(sequence(keyBag(encodeEncryptedPrivateKey(key, privateKey), attributes)))),
  );
  const macData = await encodeMacData(safe, password);
  return sequence(version3, encodeContentInfo(idData, octetString(safe)), macData);
}

/** PKCS12Attributes of key and certificate: what pairs them, and their name. */
function encodeAttributes(certificate: Uint8Array, friendlyName: string | undefined): Uint8Array {
  const localKeyId = sequence(oid(idLocalKeyId), setOf(octetString(createHash('sha256').update(certificate).digest())));
  if (friendlyName === undefined) return setOf(localKeyId);
  if (friendlyName === '' || friendlyName.length > maximumNameLength) {
    throw new RangeError(`a friendly name has 1 to ${maximumNameLength} characters`);
  }
  return setOf(localKeyId, sequence(oid(idFriendlyName), setOf(tlv(Tag.bmpString, encodeBmp(friendlyName)))));
}

function certificateBag(certificate: Uint8Array, attributes?: Uint8Array): Uint8Array {
  const bag = sequence(oid(idX509Certificate), explicit(0, octetString(certificate)));
  return sequence(oid(idCertBag), explicit(0, bag), attributes);
}

function keyBag(encryptedPrivateKey: Uint8Array, attributes: Uint8Array): Uint8Array {
  return sequence(oid(idPkcs8ShroudedKeyBag), explicit(0, encryptedPrivateKey), attributes);
}

/** EncryptedData (RFC 5652 section 8) without attributes. */
function encodeEncryptedData(key: PasswordKey, content: Uint8Array): Uint8Array {
  const { algorithm, encrypted } = encryptByPassword(key, content);
  return sequence(smallInteger(0), sequence(oid(idData), algorithm, tlv(Tag.contextPrimitive(0), encrypted)));
}

// Half of what a key on its own has, and the most that .NET 9 reads (Pkcs12LoaderLimits).
const iterations = 300_000;
// RFC 2985 5.5.1: pkcs-9-ub-friendlyName.
const maximumNameLength = 255;
const version3 = smallInteger(3);
const idEncryptedData = '1.2.840.113549.1.7.6';
const idPkcs8ShroudedKeyBag = '1.2.840.113549.1.12.10.1.2';
const idCertBag = '1.2.840.113549.1.12.10.1.3';
const idFriendlyName = '1.2.840.113549.1.9.20';
const idLocalKeyId = '1.2.840.113549.1.9.21';
const idX509Certificate = '1.2.840.113549.1.9.22.1';
