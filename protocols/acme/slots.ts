/** Work of which only so much is done at once. */

/** @param count how many work at once; ten times as many may wait */
export function createSlots(count: number) {
  const queue: (() => void)[] = [];
  let working = 0;

  return {
    /** Whether so many wait that no more should come. */
    isBusy: () => queue.length >= 10 * count,

    async run<Result>(work: () => Promise<Result>): Promise<Result> {
      if (working >= count) await new Promise<void>((resolve) => queue.push(resolve));
      else working += 1;
      try {
        return await work();
      } finally {
        // Who waits takes the place over.
        const next = queue.shift();
        if (next === undefined) working -= 1;
        else next();
      }
    },
  };
}
