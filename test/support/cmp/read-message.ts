/** Reads PKIMessages (RFC 9810 5.1) with asn1js into plain data; octets that were protected stay those received. */
import { X509Certificate } from 'node:crypto';
import { type BaseBlock, fromBER } from 'asn1js';
import { sequence } from '../../../src/x509/der-writer.js';
import { octetsOf, originalOf, partsOf, smallIntegerOf } from '../asn1-values.js';
import { keyOf } from '../scep-identifiers.js';
import { dateOf, infoOf, insideOf, type ReadInfo, textsOf } from './blocks.js';
import { type BodyType, bodyTags } from './identifiers.js';
import { type CmpBody, readBody } from './read-body.js';

export interface ReadHeader {
  readonly pvno: number;
  /** DER GeneralNames. */
  readonly sender: Buffer;
  readonly recipient: Buffer;
  readonly messageTime: Date | undefined;
  /** DER AlgorithmIdentifier. */
  readonly protectionAlg: Buffer | undefined;
  readonly senderKid: Buffer | undefined;
  readonly recipKid: Buffer | undefined;
  readonly transactionId: Buffer | undefined;
  readonly senderNonce: Buffer | undefined;
  readonly recipNonce: Buffer | undefined;
  readonly freeText: readonly string[];
  readonly generalInfo: readonly ReadInfo[];
}

export interface CmpMessage {
  readonly der: Buffer;
  readonly header: ReadHeader;
  readonly body: CmpBody;
  /** DER of what the protection is computed over: the header and body as they came, in a SEQUENCE. */
  readonly protectedPart: Uint8Array;
  readonly protection?: Buffer;
  readonly extraCerts: readonly X509Certificate[];
}

/** @throws Error when it is not one well-formed PKIMessage and nothing else */
export function readMessage(der: Uint8Array): CmpMessage {
  const { offset, result } = fromBER(der);
  if (offset !== der.length) throw new Error('no PKIMessage');
  return messageOf(result);
}

/** A PKIMessage among others. */
function messageOf(block: BaseBlock): CmpMessage {
  const [header, body, ...others] = partsOf(block);
  if (header === undefined || body === undefined) throw new Error('a PKIMessage without header or body');
  const protection = insideOf(others, 0);
  const extraCerts = insideOf(others, 1);
  return {
    der: originalOf(block),
    header: readHeader(header),
    body: readBody(bodyTypeOf(body), insideOf([body], body.idBlock.tagNumber), messageOf),
    protectedPart: sequence(originalOf(header), originalOf(body)),
    ...(protection && { protection: octetsOf(protection) }),
    extraCerts: extraCerts ? partsOf(extraCerts).map((one) => new X509Certificate(originalOf(one))) : [],
  };
}

function bodyTypeOf({ idBlock }: BaseBlock): BodyType {
  const type = keyOf(bodyTags, (tag) => tag === idBlock.tagNumber);
  if (type === undefined || idBlock.tagClass !== 3) throw new Error('no PKIBody');
  return type;
}

function readHeader(block: BaseBlock): ReadHeader {
  const [pvno, sender, recipient, ...tagged] = partsOf(block);
  if (sender === undefined || recipient === undefined) throw new Error('no PKIHeader');
  const numbers = tagged.map(({ idBlock }) => idBlock.tagNumber);
  if (numbers.some((number, i) => number > 8 || number <= (numbers[i - 1] ?? -1)))
    throw new Error('fields in disorder');
  const messageTime = insideOf(tagged, 0);
  const protectionAlg = insideOf(tagged, 1);
  const generalInfo = insideOf(tagged, 8);
  const octets = (number: number) => {
    const inside = insideOf(tagged, number);
    return inside && octetsOf(inside);
  };
  return {
    pvno: smallIntegerOf(pvno),
    sender: originalOf(sender),
    recipient: originalOf(recipient),
    messageTime: messageTime && dateOf(messageTime),
    protectionAlg: protectionAlg && originalOf(protectionAlg),
    senderKid: octets(2),
    recipKid: octets(3),
    transactionId: octets(4),
    senderNonce: octets(5),
    recipNonce: octets(6),
    freeText: textsOf(insideOf(tagged, 7)),
    generalInfo: generalInfo === undefined ? [] : partsOf(generalInfo).map(infoOf),
  };
}
