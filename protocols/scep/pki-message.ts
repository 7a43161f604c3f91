/** RFC 8894 section 3.2: the pkiMessage that a client sends, as far as its SignedData tells. Nothing is verified here. */

import { type Attributes, singleValue } from '../../src/cms/attributes.js';
import { idSigningTime } from '../../src/cms/oids.js';
import { decodeSignedData, type SignedData, type SignerInfo } from '../../src/cms/signed-data.js';
import { GatewayError } from '../../src/errors.js';
import { readString } from '../../src/x509/character-strings.js';
import { DerError, DerReader } from '../../src/x509/der.js';
import { idMessageType, idSenderNonce, idTransactionId, type MessageType, messageTypes } from './attributes.js';
import { decoding } from './errors.js';

/** A message that can be answered. */
export interface PkiMessage {
  readonly signedData: SignedData;
  readonly signer: SignerInfo;
  readonly transactionId: {
    /** DER of the attribute's value, to be repeated as it is. */
    readonly der: Uint8Array;
    /** For look-ups and people; `#` and the hex of the DER for a text with characters beyond printable ASCII. */
    readonly name: string;
  };
  /** Undefined when there is none, or none that could be repeated. */
  readonly senderNonce: Uint8Array | undefined;
  /** Undefined when it is missing or unknown. */
  readonly type: MessageType | undefined;
}

/** Reads a message in DER or BER. @throws GatewayError where there is no transaction that an answer could name */
export function decodePkiMessage(ber: Uint8Array): PkiMessage {
  const signedData = decoding('the SCEP message', () => decodeSignedData(ber));
  const [signer, ...more] = signedData.signers;
  if (signer === undefined || more.length > 0) {
    throw new GatewayError('malformed-request', 'the SCEP message must have exactly one signer');
  }
  const { signedAttributes } = signer;
  const der = singleValue(signedAttributes, idTransactionId);
  const name = der && lenient(() => decodeTransactionId(der));
  if (der === undefined || name === undefined) {
    throw new GatewayError('malformed-request', 'the SCEP message has no transactionID of 1 to 255 octets');
  }
  const senderNonce = lenient(() => decodeSenderNonce(signedAttributes));
  const type = lenient(() => decodeMessageType(signedAttributes));
  return { signedData, signer, transactionId: { der, name }, senderNonce, type };
}

/** The time at which the sender says to have signed; undefined when it does not say. @throws GatewayError `malformed-request` */
export function signingTime({ signer }: PkiMessage): Date | undefined {
  if (!signer.signedAttributes.has(idSigningTime)) return undefined;
  const value = singleValue(signer.signedAttributes, idSigningTime);
  return decoding('the signing time of the message', () => {
    if (value === undefined) throw new DerError('several values', 0);
    return DerReader.decode(value, (reader) => reader.time());
  });
}

const maximumTransactionId = 255;
// RFC 8894 3.2.1.5 has 16; what is repeated only must be bounded.
const maximumNonce = 64;

function decodeTransactionId(der: Uint8Array): string | undefined {
  const { value } = DerReader.decode(der, readString);
  if (value.length === 0 || value.length > maximumTransactionId) return undefined;
  return /^[\x20-\x7e]+$/.test(value) ? value : `#${Buffer.from(der).toString('hex')}`;
}

function decodeSenderNonce(attributes: Attributes): Uint8Array | undefined {
  const value = singleValue(attributes, idSenderNonce);
  const nonce = value && DerReader.decode(value, (reader) => reader.octetString());
  return nonce !== undefined && nonce.length > 0 && nonce.length <= maximumNonce ? nonce : undefined;
}

function decodeMessageType(attributes: Attributes): MessageType | undefined {
  const value = singleValue(attributes, idMessageType);
  return value && messageTypes.get(DerReader.decode(value, readString).value);
}

/** What is malformed is as if it were absent: whoever answers has to do without. */
function lenient<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
