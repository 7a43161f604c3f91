/** A real gateway in a process and folder of its own, set up as in production: durable commits, logging to a file. */
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../support/test-gateway.js';

export interface GatewayProcess {
  readonly pid: number;
  /** The variables of quickstart.env. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Ends it gracefully and removes its folder. */
  close(): Promise<void>;
}

interface GatewayProcessOptions {
  /** Where to make the data folder; the disk matters, for every commit is flushed to it. */
  readonly parentDirectory?: string;
  /** Where to write a CPU profile of each thread. */
  readonly profileDirectory?: string;
}

const startMilliseconds = 20_000;

/** @throws Error when it does not come up */
export async function startGatewayProcess({
  parentDirectory = tmpdir(),
  profileDirectory,
}: GatewayProcessOptions): Promise<GatewayProcess> {
  const directory = await mkdtemp(join(parentDirectory, 'gatehouse-bench-'));
  const ports = await freePorts(3);
  const logFile = join(directory, 'gateway.log');
  const log = await open(logFile, 'a');
  const profiling = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const flags = [
    '--data',
    directory,
    ...['--device-tls-port', '--device-http-port', '--admin-port'].flatMap((flag, i) => [flag, String(ports[i])]),
  ];
  const child = spawn(
    process.execPath,
    [...profiling, fileURLToPath(new URL('../../src/main.js', import.meta.url)), 'serve', ...flags],
    {
      stdio: ['ignore', log.fd, log.fd],
    },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await log.close();
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  const deadline = Date.now() + startMilliseconds;
  while (!(await readFile(logFile, 'utf8')).includes('gatehouse ready')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = await readFile(logFile, 'utf8');
      await close();
      throw new Error(`the gateway did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const text = await readFile(join(directory, 'quickstart.env'), 'utf8');
  const environment = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return { pid: child.pid ?? 0, environment, directory, close };
}
