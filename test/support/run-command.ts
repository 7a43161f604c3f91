/** Runs subcommands of `gatehouse` inside the test's process, against a running gateway's data. */
import type { Command } from 'commander';
import type { Core } from '../../src/open-core.js';
import type { TestGateway } from './test-gateway.js';

type Create<Opened> = (run: (act: (core: Opened) => Promise<string>) => Promise<void>) => Command;

/** Returns what the command prints; what it throws is thrown. */
export function runCommand(create: Create<Core>, { gateway }: TestGateway, words: readonly string[]): Promise<string> {
  return runCommandOn(create, gateway.core, words);
}

/** The same without a gateway, for a command that needs less of one. */
export async function runCommandOn<Opened>(
  create: Create<Opened>,
  core: Opened,
  words: readonly string[],
): Promise<string> {
  let printed = '';
  const command = create(async (act) => {
    printed = await act(core);
  });
  for (const each of [command, ...command.commands]) {
    each.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  await command.parseAsync(words, { from: 'user' });
  return printed;
}
