/** PKIHeader (RFC 9810 5.1.1). */

import { DerError, DerReader, Tag } from '../../../src/x509/der.js';
import { explicit, generalizedTime, octetString, sequence } from '../../../src/x509/der-writer.js';
import { encodeNumber, encodeTexts, readExplicit, readMoment, readNumber, readTexts } from './building-blocks.js';
import { encodeInfos, type InfoTypeAndValue, readInfos } from './info-type-and-value.js';

/** What it says is not judged: a version that nobody knows or a nonce of one octet are as they came. */
export interface PkiHeader {
  readonly pvno: number;
  /** DER GeneralName. */
  readonly sender: Uint8Array;
  /** DER GeneralName. */
  readonly recipient: Uint8Array;
  /** DER Name, when the sender is a directoryName. */
  readonly senderDirectoryName?: Uint8Array | undefined;
  readonly messageTime?: Date | undefined;
  /** DER AlgorithmIdentifier. */
  readonly protectionAlg?: Uint8Array | undefined;
  readonly senderKid?: Uint8Array | undefined;
  readonly recipKid?: Uint8Array | undefined;
  readonly transactionId?: Uint8Array | undefined;
  readonly senderNonce?: Uint8Array | undefined;
  readonly recipNonce?: Uint8Array | undefined;
  readonly freeText?: readonly string[] | undefined;
  readonly generalInfo: readonly InfoTypeAndValue[];
}

/** Reads a PKIHeader as the next value. An empty generalInfo is accepted: it says as much as none. */
export function readPkiHeader(reader: DerReader): PkiHeader {
  return reader.sequence((h) => {
    const pvno = readNumber(h);
    const sender = readGeneralNameElement(h);
    return {
      pvno,
      sender,
      recipient: readGeneralNameElement(h),
      senderDirectoryName: directoryName(sender),
      messageTime: readExplicit(h, 0, readMoment),
      protectionAlg: readExplicit(h, 1, (a) => a.element(Tag.sequence)),
      senderKid: readExplicit(h, 2, readOctets),
      recipKid: readExplicit(h, 3, readOctets),
      transactionId: readExplicit(h, 4, readOctets),
      senderNonce: readExplicit(h, 5, readOctets),
      recipNonce: readExplicit(h, 6, readOctets),
      freeText: readExplicit(h, 7, readTexts),
      generalInfo: readExplicit(h, 8, readInfos) ?? [],
    };
  });
}

/** Encodes a header to answer with. The name of the sender comes from `sender`. @throws RangeError for a pvno below -128 */
export function encodePkiHeader(header: Omit<PkiHeader, 'senderDirectoryName'>): Uint8Array {
  const { pvno, sender, recipient, messageTime, protectionAlg, freeText, generalInfo } = header;
  return sequence(
    encodeNumber(pvno),
    sender,
    recipient,
    messageTime && explicit(0, generalizedTime(messageTime)),
    protectionAlg && explicit(1, protectionAlg),
    octets(2, header.senderKid),
    octets(3, header.recipKid),
    octets(4, header.transactionId),
    octets(5, header.senderNonce),
    octets(6, header.recipNonce),
    freeText && freeText.length > 0 ? explicit(7, encodeTexts(freeText)) : undefined,
    generalInfo.length > 0 ? explicit(8, encodeInfos(generalInfo)) : undefined,
  );
}

/** Reads a GeneralName and returns it whole; only the kinds and what a directoryName holds are checked. */
export function readGeneralNameElement(reader: DerReader): Uint8Array {
  const at = reader.offset;
  const name = reader.element();
  const tag = name[0] ?? 0;
  if ((tag & 0xc0) !== 0x80 || (tag & 0x1f) > 8) throw new DerError('GeneralName expected', at);
  directoryName(name);
  return name;
}

/** The DER Name inside of a GeneralName, undefined when it is of another kind. @throws DerError */
export function directoryName(generalName: Uint8Array): Uint8Array | undefined {
  if (generalName[0] !== Tag.context(4)) return undefined;
  return DerReader.decode(generalName, (r) => r.inside(Tag.context(4), (n) => n.element(Tag.sequence)));
}

function readOctets(reader: DerReader): Uint8Array {
  return reader.octetString();
}

function octets(number: number, value: Uint8Array | undefined): Uint8Array | undefined {
  return value && explicit(number, octetString(value));
}
