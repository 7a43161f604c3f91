/** What the readers of CMP messages take from asn1js's objects besides plain values. */
import { type BaseBlock, GeneralizedTime, Integer } from 'asn1js';
import { oidOf, originalOf, partsOf, textOf } from '../asn1-values.js';

export interface ReadInfo {
  /** Object identifier. */
  readonly type: string;
  /** DER. */
  readonly value?: Buffer;
}

/** InfoTypeAndValue (RFC 9810 5.1.1) */
export function infoOf(block: BaseBlock): ReadInfo {
  const [type, value] = partsOf(block);
  return { type: oidOf(type), ...(value && { value: originalOf(value) }) };
}

/** PKIFreeText (RFC 9810 5.1.1) */
export function textsOf(block: BaseBlock | undefined): string[] {
  return block === undefined ? [] : partsOf(block).map(textOf);
}

export function isContext({ idBlock }: BaseBlock, number: number): boolean {
  return idBlock.tagClass === 3 && idBlock.tagNumber === number;
}

export function isUniversal({ idBlock }: BaseBlock, number: number): boolean {
  return idBlock.tagClass === 1 && idBlock.tagNumber === number;
}

/** What is under an EXPLICIT tag among others. */
export function insideOf(blocks: readonly BaseBlock[], number: number): BaseBlock | undefined {
  const tagged = blocks.find((block) => isContext(block, number));
  if (tagged === undefined) return undefined;
  const [inside, second] = partsOf(tagged);
  if (inside === undefined || second !== undefined) throw new Error(`not one value under [${number}]`);
  return inside;
}

/** @throws Error for a UTCTime too */
export function dateOf(block: BaseBlock): Date {
  if (block instanceof GeneralizedTime) return block.toDate();
  throw new Error('no GeneralizedTime');
}

/** Lower-case hex of a positive INTEGER. */
export function hexOf(block: unknown): string {
  if (!(block instanceof Integer)) throw new Error('no INTEGER');
  return Buffer.from(block.valueBlock.valueHexView)
    .toString('hex')
    .replace(/^00(?=.)/, '');
}
