/** EncKeyWithID (RFC 4211 4.2.1): a private key, and whose it is. */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { readUtf8String } from './building-blocks.js';
import { readGeneralNameElement } from './pki-header.js';

export interface EncKeyWithId {
  /** DER PrivateKeyInfo (PKCS #8). */
  readonly privateKey: Uint8Array;
  /** A text, or a DER GeneralName; must be there in a proof of possession. */
  readonly identifier?: string | Uint8Array | undefined;
}

/** @throws DerError */
export function decodeEncKeyWithId(der: Uint8Array): EncKeyWithId {
  return DerReader.decode(der, (r) =>
    r.sequence((k) => ({
      privateKey: k.element(Tag.sequence),
      identifier: k.more ? (k.tag === Tag.utf8String ? readUtf8String(k) : readGeneralNameElement(k)) : undefined,
    })),
  );
}
