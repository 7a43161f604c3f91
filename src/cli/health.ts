/** `gatehouse health`: asks the running gateway whether it is ready; for container health checks. */
import { Command } from 'commander';
import type { Settings } from '../settings.js';
import { CommandLineError } from './command-line-error.js';
import { localHost, readiness } from './listeners.js';

export function healthCommand(settings: () => Settings): Command {
  return new Command('health')
    .description('tell whether the gateway on this machine is ready (exit status 0) or not (1)')
    .action(async () => {
      const { host, adminPort } = settings();
      const local = localHost(host);
      const status = await readiness(local, adminPort).catch((cause: Error) => {
        throw new CommandLineError(`not ready: nothing answers at ${local}:${adminPort} (${cause.message})`);
      });
      if (status !== 200) throw new CommandLineError(`not ready (HTTP ${status})`);
      console.log('ready');
    });
}
