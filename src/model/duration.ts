/** Durations in configuration: a whole number and a unit, such as `90d`. */
import { z } from 'zod';

const secondsPerUnit: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  y: 31_557_600, // 365.25 days, so that `20y` does not end days early
};

/** Reads `30s`, `10m`, `12h`, `90d`, `4w` or `2y` as seconds. */
export const durationSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,6})[smhdwy]$/, 'a duration is a whole number and a unit, such as 30s, 10m, 12h, 90d, 4w or 2y')
  .transform((text) => Number(text.slice(0, -1)) * (secondsPerUnit[text.slice(-1)] ?? 0));
