/** AsymmetricKeyPackage (RFC 5958) in SignedData: a private key from who has made it. */

import { DerReader, Tag } from '../x509/der.js';
import { bitString, implicit, sequence, smallInteger } from '../x509/der-writer.js';
import { encodeSignedData, type Signature } from './encode-signed-data.js';

export interface KeyPackage {
  /** DER OneAsymmetricKey. */
  readonly key: Uint8Array;
  /** Who has made the key. */
  readonly signature: Signature;
  /** DER: the signer's certificate and what leads to its root. */
  readonly certificates: readonly Uint8Array[];
  readonly signingTime: Date;
}

/** Signs a package with one key. Returns the DER of the SignedData, to be put into an envelope. */
export function encodeKeyPackage({ key, signature, certificates, signingTime }: KeyPackage): Promise<Uint8Array> {
  return encodeSignedData({
    contentType: idCtKpAKeyPackage,
    content: sequence(key),
    signatures: [signature],
    certificates,
    signingTime,
  });
}

/** Puts the public key, of a SubjectPublicKeyInfo, into a PrivateKeyInfo: OneAsymmetricKey of version 2. All is DER. */
export function withPublicKey(pkcs8: Uint8Array, subjectPublicKeyInfo: Uint8Array): Uint8Array {
  const publicKey = DerReader.decode(subjectPublicKeyInfo, (reader) =>
    reader.sequence((info) => {
      info.element();
      return info.bitString();
    }),
  );
  return DerReader.decode(pkcs8, (reader) =>
    reader.sequence((key) => {
      key.smallInteger();
      const algorithm = key.element();
      const privateKey = key.element();
      const attributes = key.optional(Tag.context(0), (a) => a.element());
      return sequence(smallInteger(1), algorithm, privateKey, attributes, implicit(1, bitString(publicKey)));
    }),
  );
}

const idCtKpAKeyPackage = '2.16.840.1.101.2.1.2.78.5';
