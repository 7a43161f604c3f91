/** PollReqContent and PollRepContent (RFC 9810 5.3.22). */

import { DerReader, Tag } from '../../../src/x509/der.js';
import { sequence, smallInteger } from '../../../src/x509/der-writer.js';
import { encodeNumber, encodeTexts, readNumber } from './building-blocks.js';

/** Decodes PollReqContent to its certReqIds; -1 is for a whole message that is not about certificates. @throws DerError */
export function decodePollReqContent(der: Uint8Array): number[] {
  return DerReader.decode(der, (r) => r.each(Tag.sequence, (p) => p.sequence(readNumber), maximumIds));
}

export interface PollRep {
  readonly certReqId: number;
  /** Seconds. */
  readonly checkAfter: number;
  /** Sentences for people. */
  readonly reason?: readonly string[] | undefined;
}

/** Encodes PollRepContent. @throws RangeError for a certReqId below -128 and for seconds that are no whole number from 0 */
export function encodePollRepContent(entries: readonly PollRep[]): Uint8Array {
  return sequence(...entries.map(encodePollRep));
}

const maximumIds = 32;

function encodePollRep({ certReqId, checkAfter, reason = [] }: PollRep): Uint8Array {
  const texts = reason.length > 0 ? encodeTexts(reason) : undefined;
  return sequence(encodeNumber(certReqId), smallInteger(checkAfter), texts);
}
