/** revPassphrase in a genm (RFC 9810 5.3.19.9 and appendix B): what an rr may later be protected with in place of a signature. */

import { randomBytes } from 'node:crypto';
import { decodeEnvelope, type EnvelopedData } from '../../src/cms/enveloped-data.js';
import { originOf } from '../../src/protocol.js';
import { decoding } from '../../src/x509/decoding.js';
import { decodeRevPassphrase } from './asn1/general-message.js';
import type { InfoTypeAndValue } from './asn1/info-type-and-value.js';
import { decodeLocalKeyId } from './asn1/local-key-id.js';
import { idItRevPassphrase } from './asn1/oids.js';
import { CmpError } from './errors.js';
import { type OpenedEnvelope, openEnvelope } from './open-envelope.js';
import type { CmpRequest } from './request.js';
import { referenceOf } from './sender.js';

/** Sets the passphrase of the sender's certificate and its renewals. @throws GatewayError */
export async function takePassphrase(request: CmpRequest, value: Uint8Array | undefined): Promise<InfoTypeAndValue> {
  if (value === undefined)
    throw new CmpError('badRequest', 'revPassphrase must have a value, the encrypted passphrase');
  const { services, exchange, message, sender } = request;
  const { messageTime } = message.header;
  if (messageTime === undefined) {
    // Else whoever has captured the message could bring an old passphrase back at any time.
    throw new CmpError('badTime', 'a message with revPassphrase must have a messageTime', 'stale-message');
  }
  const envelope = readEnvelope(value);
  const reference = readReference(request, envelope);
  const opened = await openEnvelope(request, envelope);
  if (opened === undefined) throw notOpened();
  const { passphrase, isRead } = choosePassphrase(opened);
  try {
    await services.setRevocationPassphrase({
      ...originOf(exchange),
      protocol: 'cmp',
      reference,
      passphrase,
      isRead,
      sentAt: messageTime,
      credentials: [sender.credential],
    });
  } finally {
    opened.content.fill(0);
  }
  return { id: idItRevPassphrase };
}

const passphraseOctets = { minimum: 8, maximum: 255 };
const referenceOctets = 64;

function readEnvelope(value: Uint8Array): EnvelopedData {
  const encrypted = decoding('revPassphrase', () => decodeRevPassphrase(value));
  if (encrypted.type !== 'envelopedData') {
    throw new CmpError('badRequest', 'revPassphrase must be an EnvelopedData: EncryptedValue is deprecated');
  }
  return decoding('revPassphrase', () => decodeEnvelope(encrypted.envelopedData));
}

/** What an rr will have as senderKID. */
function readReference({ message }: CmpRequest, { unprotectedAttributes }: EnvelopedData): Uint8Array {
  const localKeyId =
    unprotectedAttributes && decoding('the attributes of revPassphrase', () => decodeLocalKeyId(unprotectedAttributes));
  const named = localKeyId ?? message.header.senderKid;
  if (named === undefined) {
    throw new CmpError('badRequest', 'revPassphrase needs the attribute localKeyId where the message has no senderKID');
  }
  const reference = referenceOf(named);
  if (reference.length === 0 || (localKeyId !== undefined && reference.length > referenceOctets)) {
    throw new CmpError('badRequest', `localKeyId must have 1 to ${referenceOctets} octets`);
  }
  return reference;
}

/**
 * What the gateway's key has opened is taken whatever it is: a sender who learned whether it was any good could try changed
 * copies of another's envelope (RFC 3218). Who has the secret already learns nothing.
 */
function choosePassphrase(opened: OpenedEnvelope): { passphrase: Uint8Array; isRead: boolean } {
  const { content, openedBy, isPadded } = opened;
  const { minimum, maximum } = passphraseOctets;
  const hasLength = content.length >= minimum && content.length <= maximum;
  if (openedBy === 'secret') {
    if (!isPadded) throw notOpened();
    if (hasLength) return { passphrase: content, isRead: true };
    throw new CmpError('badRequest', `the passphrase has ${content.length} octets instead of ${minimum} to ${maximum}`);
  }
  const substitute = randomBytes(substituteOctets);
  const isRead = isPadded && hasLength;
  return { passphrase: isRead ? content : substitute, isRead };
}

const substituteOctets = 32;

function notOpened(): CmpError {
  return new CmpError(
    'badRequest',
    'revPassphrase does not open: encrypt it to the certificate of caProtEncCert, or with the secret of the message',
  );
}
