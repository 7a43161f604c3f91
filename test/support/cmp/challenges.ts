/** Answers to challenges (RFC 9810 5.2.8.3.3): the number in each Rand, which only the new key opens. */
import { hash, type KeyObject } from 'node:crypto';
import { fromBER, Integer } from 'asn1js';
import { oidOf, originalOf, partsOf } from '../asn1-values.js';
import { keyOf } from '../scep-identifiers.js';
import { digestIds } from './identifiers.js';
import { openEnvelopedData, openPkcs1 } from './open-envelope.js';
import type { CmpOutcome } from './outcome.js';
import type { Challenge } from './read-body.js';

/** The magnitudes of the numbers. @throws Error where one does not open, or is not what its witness says */
export function answersTo({ body }: CmpOutcome, privateKey: KeyObject): Uint8Array[] {
  if (body?.type !== 'popdecc') throw new Error('no challenges');
  let owf: Buffer | undefined;
  return body.challenges.map((challenge) => {
    // Only the first need say it (RFC 9810 5.2.8.3.3).
    owf = challenge.owf ?? owf;
    return answerTo(challenge, privateKey, owf);
  });
}

function answerTo(
  { encryptedRand, challenge, witness }: Challenge,
  privateKey: KeyObject,
  owf: Buffer | undefined,
): Uint8Array {
  const rand =
    encryptedRand === undefined
      ? openPkcs1(challenge, privateKey)
      : openEnvelopedData(encryptedRand, { privateKey }).content;
  const [number] = partsOf(fromBER(rand).result);
  if (!(number instanceof Integer)) throw new Error('no Rand');
  if (owf !== undefined) {
    const id = oidOf(partsOf(fromBER(owf).result)[0]);
    const digest = keyOf(digestIds, (value) => value === id);
    // What the function is applied to, the INTEGER or its octets, is not said.
    const inputs = [originalOf(number), number.valueBlock.valueHexView];
    if (digest === undefined || !inputs.some((input) => hash(digest, input, 'buffer').equals(witness)))
      throw new Error('another witness than the number has');
  }
  return number.valueBlock.valueHexView;
}
