/** What a command that did not do what it was asked for ends with. */
import { CommanderError } from 'commander';

export const failed = 1;
export const wrongUse = 2;

/** Tells of an error on standard error, where nobody has yet, and returns the exit status. */
export function reportFailure(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUse;
  console.error(error instanceof Error && !isMistake(error) ? `gatehouse: ${explain(error)}` : error);
  return failed;
}

/** A fault of the program, whose stack somebody will want. */
function isMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

function explain({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}
