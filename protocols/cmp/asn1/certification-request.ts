/** The content of p10cr (RFC 9810 5.3.6): src/x509/pkcs10.ts decodes it, but for one question. */

import { DerReader } from '../../../src/x509/der.js';
import { readNumber } from './building-blocks.js';

/**
 * The version of a CertificationRequest (RFC 2986 4.1). Any but 0 is an error to the decoder, though not one of the format:
 * to CMP it is a bad template.
 * @throws DerError where there is no version; what follows it is not looked at
 */
export function certificationRequestVersion(der: Uint8Array): number {
  return DerReader.decode(der, (r) =>
    r.sequence((request) => {
      const version = request.sequence((info) => {
        const number = readNumber(info);
        while (info.more) info.element();
        return number;
      });
      while (request.more) request.element();
      return version;
    }),
  );
}
