/** How audit events are linked, so that a changed or missing one shows. */
import { createHash } from 'node:crypto';

export interface ChainHead {
  /** Of the last event; 0 before the first. */
  readonly sequence: number;
  readonly hash: Uint8Array;
}

export const chainStart: ChainHead = { sequence: 0, hash: new Uint8Array(32) };

/** SHA-256(hash before ‖ sequence in decimal digits ‖ content, a JSON object in UTF-8). */
export function nextHead(previous: ChainHead, content: string): ChainHead {
  const sequence = previous.sequence + 1;
  return {
    sequence,
    // The content starts with a brace, so that the digits before it cannot run into it.
    hash: createHash('sha256').update(previous.hash).update(`${sequence}${content}`).digest(),
  };
}
