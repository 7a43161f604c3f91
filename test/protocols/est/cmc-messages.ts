/** Builds Full PKI Requests with openssl for the tests of CMC. */

import { Tag } from '../../../src/x509/der.js';
import { octetString, oid, sequence, setOf, smallInteger, tlv } from '../../../src/x509/der-writer.js';
import type { OpenSsl } from '../../src/cms/openssl.js';

/** TaggedAttribute. */
export function control(bodyPartId: number, type: string, ...values: Uint8Array[]): Uint8Array {
  return sequence(smallInteger(bodyPartId), oid(type), setOf(...values));
}

/** TaggedRequest of choice tcr. */
export function taggedRequest(bodyPartId: number, certificationRequest: Uint8Array): Uint8Array {
  return tlv(Tag.context(0), smallInteger(bodyPartId), certificationRequest);
}

/** PKIData of these controls and requests. */
export function pkiData(controls: readonly Uint8Array[], requests: readonly Uint8Array[]): Uint8Array {
  return sequence(sequence(...controls), sequence(...requests), sequence(), sequence());
}

/** Signs with `<name>.key` as openssl does; a ContentInfo. */
export function signRequest(openssl: OpenSsl, name: string, content: Uint8Array, ...options: string[]): Uint8Array {
  openssl.write('content', content);
  openssl.run(
    ...['cms', '-sign', '-binary', '-nodetach', '-econtent_type', '1.3.6.1.5.5.7.12.2', '-in', 'content'],
    ...['-signer', `${name}.pem`, '-inkey', `${name}.key`, '-outform', 'DER', '-out', 'request.der', ...options],
  );
  return openssl.read('request.der');
}

/** A PKCS #10 request by `<name>.key`. */
export function createCsr(openssl: OpenSsl, name: string, ...options: string[]): Uint8Array {
  openssl.run(
    'req',
    '-new',
    '-key',
    `${name}.key`,
    '-subj',
    '/CN=device',
    '-outform',
    'DER',
    '-out',
    'csr.der',
    ...options,
  );
  return openssl.read('csr.der');
}

export const octets = (text: string): Uint8Array => octetString(Buffer.from(text));
