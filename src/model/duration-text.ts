/** Durations as configuration writes them. */

const units = [
  ['y', 31_557_600],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const;

/** Seconds in the largest unit that says them exactly, such as `90d`. */
export function durationText(seconds: number): string {
  const fitting = units.find(([, size]) => seconds > 0 && seconds % size === 0);
  return fitting ? `${seconds / fitting[1]}${fitting[0]}` : `${seconds}s`;
}
