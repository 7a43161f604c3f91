/** CertRepMessage (RFC 9810 5.3.4): the content of ip, cp, kup and ccp. */

import { explicit, sequence } from '../../../src/x509/der-writer.js';
import { encodeNumber } from './building-blocks.js';
import { type EncryptedKey, encodeEncryptedKey } from './encrypted-key.js';
import { encodePkiStatusInfo, type PkiStatusInfo } from './pki-status.js';

export interface CertRepMessage {
  /** DER. */
  readonly caPubs?: readonly Uint8Array[] | undefined;
  readonly responses: readonly CertResponse[];
}

export interface CertResponse {
  /** -1 answers a p10cr. */
  readonly certReqId: number;
  readonly status: PkiStatusInfo;
  /** DER. At most one of certificate and encryptedCert. */
  readonly certificate?: Uint8Array | undefined;
  /** Around the certificate, for the indirect proof of possession (5.2.8.3.2). */
  readonly encryptedCert?: EncryptedKey | undefined;
  /** DER EnvelopedData around a key that was generated centrally; only with one of the other two. */
  readonly privateKey?: Uint8Array | undefined;
}

/** Encodes CertRepMessage; an empty list of caPubs is left out. @throws RangeError for a certReqId below -128 */
export function encodeCertRepMessage({ caPubs = [], responses }: CertRepMessage): Uint8Array {
  return sequence(
    caPubs.length > 0 ? explicit(1, sequence(...caPubs)) : undefined,
    sequence(...responses.map(encodeCertResponse)),
  );
}

function encodeCertResponse({ certReqId, status, ...keyPair }: CertResponse): Uint8Array {
  return sequence(encodeNumber(certReqId), encodePkiStatusInfo(status), encodeCertifiedKeyPair(keyPair));
}

function encodeCertifiedKeyPair(
  keyPair: Pick<CertResponse, 'certificate' | 'encryptedCert' | 'privateKey'>,
): Uint8Array | undefined {
  const { certificate, encryptedCert, privateKey } = keyPair;
  const certOrEncCert =
    (certificate && explicit(0, certificate)) ?? (encryptedCert && explicit(1, encodeEncryptedKey(encryptedCert)));
  const key = privateKey && encodeEncryptedKey({ type: 'envelopedData', envelopedData: privateKey });
  return certOrEncCert && sequence(certOrEncCert, key && explicit(0, key));
}
