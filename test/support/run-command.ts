/** Runs subcommands of `gatehouse` inside the test's process, against a running gateway's data. */
import type { Command } from 'commander';
import type { RunWithCore } from '../../src/cli/run-with-core.js';
import type { TestGateway } from './test-gateway.js';

/** Returns what the command prints; what it throws is thrown. */
export async function runCommand(
  create: (run: RunWithCore) => Command,
  { gateway }: TestGateway,
  words: readonly string[],
): Promise<string> {
  let printed = '';
  const command = create(async (act) => {
    printed = await act(gateway.core);
  });
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  await command.parseAsync(words, { from: 'user' });
  return printed;
}
