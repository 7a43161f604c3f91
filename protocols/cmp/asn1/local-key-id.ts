/** localKeyId (RFC 2985 5.5.2), which names a revocation passphrase beside the envelope that it is in (RFC 9810 appendix B). */

import { type Attributes, readAttributes } from '../../../src/cms/attributes.js';
import { DerError, DerReader } from '../../../src/x509/der.js';
import { pkcs9AtLocalKeyId } from './oids.js';

/** Decodes the attribute among others; undefined when it is not there. @param attributes DER SET OF Attribute @throws DerError */
export function decodeLocalKeyId(attributes: Uint8Array): Uint8Array | undefined {
  const values = decodeAttributes(attributes).get(pkcs9AtLocalKeyId);
  if (values === undefined) return undefined;
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) throw new DerError('localKeyId has not one value', 0);
  return DerReader.decode(value, (r) => r.octetString());
}

function decodeAttributes(attributes: Uint8Array): Attributes {
  return DerReader.decode(attributes, readAttributes);
}
