/** The least that something can cost: what its cryptography takes with nothing around it. */

export interface Floor {
  /** Measures for about so long, and keeps the figures. */
  measure(milliseconds: number): void;
  /** The median of what was measured: CPU microseconds of one. */
  median(): number;
}

/** `one` is called with each of the cases again and again, not in the thread pool. */
export function createFloor<T>(cases: readonly T[], one: (each: T) => void): Floor {
  const figures: number[] = [];
  const round = () => {
    for (const each of cases) one(each);
  };
  round();
  return {
    measure(milliseconds) {
      const end = performance.now() + milliseconds;
      while (performance.now() < end) {
        const before = process.cpuUsage();
        round();
        const { user, system } = process.cpuUsage(before);
        figures.push((user + system) / cases.length);
      }
    },
    median: () => figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0,
  };
}
