/** Reads what commands are given: each says what it expects. */
import { InvalidArgumentError } from 'commander';
import { durationSchema } from '../model/duration.js';
import { nameSchema } from '../model/label.js';
import { CommandLineError } from './command-line-error.js';

/** How many things one command makes, at most. */
const maximumCount = 10_000;

/** @throws InvalidArgumentError */
export function parseName(text: string): string {
  const parsed = nameSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? '');
  }
  return parsed.data;
}

/** @throws InvalidArgumentError */
export function parseCount(text: string): number {
  const count = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maximumCount) {
    throw new InvalidArgumentError(`a whole number from 1 to ${maximumCount} is expected`);
  }
  return count;
}

/** Of an audit event. @throws InvalidArgumentError */
export function parseSequence(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('the sequence number of an event is expected');
}

/** Of a CRL; 0 is the first. @throws InvalidArgumentError */
export function parsePartition(text: string): number {
  if (/^(0|[1-9]\d{0,3})$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number from 0 to 9999 is expected');
}

/** In seconds. @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const parsed = durationSchema.safeParse(text);
  if (!parsed.success) {
    throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? '');
  }
  return parsed.data;
}

/** A time, or a duration from now. @throws CommandLineError */
export function parseMoment(text: string, now: Date): Date {
  const duration = durationSchema.safeParse(text);
  return duration.success ? new Date(now.getTime() + duration.data * 1000) : parseTime(text);
}

/** A name with a typing error would select nothing, and look as if there was nothing. @throws CommandLineError */
export function requireKnown(what: string, name: string | undefined, known: readonly string[]): void {
  if (name === undefined || known.includes(name)) return;
  throw new CommandLineError(`there is no ${what} "${name}"; there are: ${known.join(', ') || 'none'}`);
}

/** @throws CommandLineError */
export function parseTime(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new CommandLineError(`${text} is not a time such as 2026-01-31T12:00:00Z`);
  return time;
}
