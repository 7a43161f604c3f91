/** `gatehouse health`: asks the running gateway whether it is ready; for container health checks. */
import { request } from 'node:https';
import { Command } from 'commander';
import type { Settings } from '../settings.js';
import { CommandLineError } from './command-line-error.js';

const timeoutMilliseconds = 4_000;

export function healthCommand(settings: () => Settings): Command {
  return new Command('health')
    .description('tell whether the gateway on this machine is ready (exit status 0) or not (1)')
    .action(async () => {
      const { host, adminPort } = settings();
      const status = await readiness(reachable.get(host) ?? host, adminPort);
      if (status !== 200) throw new CommandLineError(`not ready (HTTP ${status})`);
      console.log('ready');
    });
}

/** Where to reach a listener that binds every address. */
const reachable: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

function readiness(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // To ourselves, and nothing secret is sent: whose certificate it is does not matter.
    const question = request(
      { host, port, path: '/readyz', rejectUnauthorized: false, timeout: timeoutMilliseconds },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    question.on('timeout', () => question.destroy(new Error('no answer in time')));
    question.on('error', (cause) =>
      reject(new CommandLineError(`not ready: nothing answers at ${host}:${port} (${cause.message})`)),
    );
    question.end();
  });
}
