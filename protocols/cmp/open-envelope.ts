/** EnvelopedData that is for the gateway (RFC 9810 5.2.2): to its encryption certificate, or by the secret of the message. */

import { isIdentified } from '../../src/cms/certificate-identifier.js';
import { CmsError } from '../../src/cms/cms-error.js';
import { contentKeyLengths, decryptContent, readEncryptedContent } from '../../src/cms/content-encryption.js';
import type { EnvelopedData, RecipientInfo } from '../../src/cms/enveloped-data.js';
import { keyWrapByOid, keyWraps, unwrapKey } from '../../src/cms/key-wrap.js';
import { openEnvelopedData } from '../../src/cms/open-enveloped-data.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { decoding } from '../../src/x509/decoding.js';
import { DerError, DerReader } from '../../src/x509/der.js';
import { UnsupportedAlgorithmError } from '../../src/x509/signature-algorithms.js';
import { deriveByPbkdf2, readPbkdf2 } from './protection/pbkdf2.js';
import type { CmpRequest } from './request.js';

export interface OpenedEnvelope {
  /** Right or not, where a key has opened it. The caller may wipe it. */
  readonly content: Uint8Array;
  /** The gateway's own encryption key, or the secret of the message, which its sender has as well. */
  readonly openedBy: 'key' | 'secret';
  /** Whether the padding was right, which hardly any garbage has; else it is among the content. */
  readonly isPadded: boolean;
}

/**
 * What the envelope holds; undefined where it is not for the gateway or cannot be opened. Nothing that only the gateway's key
 * shows is told apart (RFC 3218 section 2.3).
 * @throws GatewayError `malformed-request`
 */
export async function openEnvelope(request: CmpRequest, envelope: EnvelopedData): Promise<OpenedEnvelope | undefined> {
  try {
    const byKey = await openByKey(request, envelope);
    const content = byKey ?? (await openBySecret(request, envelope));
    if (content === undefined) return undefined;
    const isPadded = content.length < envelope.encryptedContent.length;
    return { content, openedBy: byKey ? 'key' : 'secret', isPadded };
  } catch (error) {
    if (error instanceof CmsError || error instanceof DerError || error instanceof UnsupportedAlgorithmError) {
      return undefined;
    }
    throw error;
  }
}

type Transported = Extract<RecipientInfo, { type: 'keyTransport' }>;
type ByPassword = Extract<RecipientInfo, { type: 'password' }>;

async function openByKey({ services, exchange }: CmpRequest, envelope: EnvelopedData): Promise<Uint8Array | undefined> {
  const recipients = envelope.recipients.filter((info): info is Transported => info.type === 'keyTransport');
  if (recipients.length === 0) return undefined;
  for (const { certificate, openKey } of await services.encryptionKeys('cmp-encryption', exchange.params.label)) {
    const decoded = decodeCertificate(certificate);
    const isOwn = ({ identifier }: Transported) => decoding('the recipient', () => isIdentified(decoded, identifier));
    const recipient = recipients.find(isOwn);
    if (recipient) return (await openEnvelopedData(envelope, recipient, openKey)).content;
  }
  return undefined;
}

/** RFC 9483 4.1.6.3: PBKDF2 makes the key that unwraps the content's. */
async function openBySecret({ sender }: CmpRequest, envelope: EnvelopedData): Promise<Uint8Array | undefined> {
  const recipient = envelope.recipients.find((info): info is ByPassword => info.type === 'password');
  if (recipient?.derivation === undefined || sender.protection.kind !== 'mac') return undefined;
  const encrypted = readEncryptedContent(envelope.contentEncryption, envelope.encryptedContent);
  const wrap = keyWrapByOid.get(DerReader.decode(recipient.algorithm, (r) => r.sequence((a) => a.oid())));
  if (wrap === undefined) return undefined;
  const derivation = DerReader.decode(recipient.derivation, (r) => r.sequence(readPbkdf2));
  const { keyLength } = keyWraps[wrap];
  if ((derivation.keyLength ?? keyLength) !== keyLength) return undefined;
  const keyEncryptionKey = await deriveByPbkdf2(sender.protection.secret, derivation, keyLength);
  const key = unwrapKey(wrap, keyEncryptionKey, recipient.encryptedKey);
  return key?.length === contentKeyLengths[encrypted.encryption] ? decryptContent(encrypted, key) : undefined;
}
