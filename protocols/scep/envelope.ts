/** RFC 8894 section 3.2.2: the pkcsPKIEnvelope of a request, and for which of the gateway's keys it is. */

import { isIdentified } from '../../src/cms/certificate-identifier.js';
import type { ContentEncryption } from '../../src/cms/content-encryption.js';
import { decodeEnvelopedData, type EnvelopedData, type RecipientInfo } from '../../src/cms/enveloped-data.js';
import { decodeKeyTransport } from '../../src/cms/key-transport.js';
import { contentEncryptionOf, openEnvelopedData } from '../../src/cms/open-enveloped-data.js';
import { GatewayError } from '../../src/errors.js';
import type { EncryptionServiceKey } from '../../src/service-key.js';
import { type Certificate, decodeCertificate } from '../../src/x509/certificate.js';
import type { KeyTransport } from '../../src/x509/key-transport.js';
import { decoding } from './errors.js';

/** What everybody can see of an envelope for one of the gateway's keys. */
export interface Envelope {
  readonly data: EnvelopedData;
  readonly recipient: KeyTransportRecipient;
  /** The key that the client encrypted to, and so expects to sign the answer. */
  readonly key: EncryptionServiceKey;
  readonly contentEncryption: ContentEncryption;
  readonly keyTransport: KeyTransport;
}

/**
 * Reads the envelope that a message carries. `legacy`: whether single DES will do.
 * @throws GatewayError for what everybody can see: nothing is decrypted
 */
export function readEnvelope(content: Uint8Array, keys: readonly EncryptionServiceKey[], legacy: boolean): Envelope {
  return decoding('the encrypted content of the message', () => {
    const data = decodeEnvelopedData(content);
    const { recipient, key } = findRecipient(data, keys);
    const contentEncryption = contentEncryptionOf(data);
    if (contentEncryption === 'des-cbc' && !legacy) {
      throw new GatewayError(
        'unsupported-algorithm',
        'the message is encrypted with DES, which the policy does not accept',
      );
    }
    return { data, recipient, key, contentEncryption, keyTransport: decodeKeyTransport(recipient.algorithm) };
  });
}

/** What was encrypted, if it was; with another key or with changed octets it is anything. */
export async function openEnvelope({ data, recipient, key }: Envelope): Promise<Uint8Array> {
  const { content } = await openEnvelopedData(data, recipient, (transport, encryptedKey, length) =>
    key.openKey(transport, encryptedKey, length),
  );
  return content;
}

type KeyTransportRecipient = Extract<RecipientInfo, { type: 'keyTransport' }>;

function findRecipient({ recipients }: EnvelopedData, keys: readonly EncryptionServiceKey[]) {
  for (const key of keys) {
    const certificate = certificateOf(key);
    for (const recipient of recipients) {
      if (recipient.type === 'keyTransport' && isIdentified(certificate, recipient.identifier))
        return { recipient, key };
    }
  }
  throw new GatewayError(
    'malformed-request',
    'the message is encrypted to another certificate; get the present ones with GetCACert',
  );
}

function certificateOf(key: EncryptionServiceKey): Certificate {
  const known = certificates.get(key.certificate);
  if (known !== undefined) return known;
  const certificate = decodeCertificate(key.certificate);
  certificates.set(key.certificate, certificate);
  return certificate;
}

/** The same keys serve one request after the other. */
const certificates = new WeakMap<Uint8Array, Certificate>();
