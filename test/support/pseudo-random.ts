/** A flow of numbers below 2^24 that is the same in every run. */
export function* pseudoRandom(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 8;
  }
}
