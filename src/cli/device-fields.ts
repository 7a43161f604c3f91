/** Identifiers and attributes as commands are given them. */
import { InvalidArgumentError } from 'commander';

export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** @throws InvalidArgumentError */
export function parsePair(text: string): Pair {
  const [, name, value] = /^([^=]+)=(.+)$/su.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('name=value is expected, such as serial=4711');
  }
  return { name, value };
}

/** Adds a pair to those before it. @throws InvalidArgumentError */
export function addPair(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const { name, value } = parsePair(text);
  if (before.has(name)) throw new InvalidArgumentError(`${name} is given twice`);
  return new Map([...before, [name, value]]);
}

/** Adds a name to those before it. */
export function addName(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
