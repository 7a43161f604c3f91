/** `gatehouse health`: asks the running gateway whether it is ready; for container health checks. */
import { Command } from 'commander';
import type { Settings } from '../settings.js';
import { CommandLineError } from './command-line-error.js';
import { localHost, readiness } from './listeners.js';
import { jsonLines, jsonOption } from './table.js';

export function healthCommand(settings: () => Settings): Command {
  return new Command('health')
    .description('tell whether the gateway on this machine is ready (exit status 0) or not (1)')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  gatehouse health\n  gatehouse health --admin-port 9444')
    .action(async ({ json }: { json?: true }) => {
      const { host, adminPort } = settings();
      const local = localHost(host);
      const status = await readiness(local, adminPort).catch((cause: Error) => {
        throw new CommandLineError(`not ready: nothing answers at ${local}:${adminPort} (${cause.message})`);
      });
      if (status !== 200) throw new CommandLineError(`not ready (HTTP ${status})`);
      console.log(json ? jsonLines([{ ready: true }]) : 'ready');
    });
}
