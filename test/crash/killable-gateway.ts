/** A gateway in a process of its own that is killed in the middle of its work and started again on the same data. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/clock.js';
import { createLog } from '../../src/log.js';
import { type Core, openCore } from '../../src/open-core.js';
import { readSettings } from '../../src/settings.js';
import { freePorts } from '../support/test-gateway.js';

export interface RunningGateway {
  readonly pid: number;
  /** kill -9: no handler runs and nothing is flushed. */
  kill(): Promise<void>;
}

export interface KillableFleet {
  readonly deviceTlsPort: number;
  readonly deviceHttpPort: number;
  /** The same data, opened beside the gateway as the command line does. */
  readonly core: Core;
  /** Starts the gateway, which does not run. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Removes everything; the gateway is killed if it runs. */
  close(): Promise<void>;
}

/** A gateway that runs, in a temporary folder. @param configuration YAML that its first start applies */
export async function startKillableFleet(configuration: string): Promise<KillableFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-kill-'));
  const file = join(directory, 'fleet.yaml');
  await writeFile(file, configuration);
  const [deviceTlsPort = 0, deviceHttpPort = 0, adminPort = 0] = await freePorts(3);
  const options = [
    ...['--data', directory, '--configuration', file, '--device-tls-port', String(deviceTlsPort)],
    ...['--device-http-port', String(deviceHttpPort), '--admin-port', String(adminPort)],
  ];
  let running: RunningGateway | undefined = await startKillable(options);
  const flags = { data: directory, configuration: file, deviceTlsPort, deviceHttpPort, adminPort };
  const settings = readSettings({ flags, environment: {} });
  const core = await openCore({ settings, log: createLog('silent'), clock: systemClock });
  const kill = async () => {
    await running?.kill();
    running = undefined;
  };
  return {
    deviceTlsPort,
    deviceHttpPort,
    core,
    start: async () => {
      running = await startKillable(options);
    },
    kill,
    close: async () => {
      await core.close();
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const startMilliseconds = 20_000;
const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** Runs `gatehouse serve` with these options and waits until it is ready. @throws Error with its output if it does not get there */
export async function startKillable(options: readonly string[]): Promise<RunningGateway> {
  const child = spawn(process.execPath, [main, 'serve', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  let output = '';
  const ready = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), startMilliseconds);
    const settle = (isReady: boolean) => {
      clearTimeout(timer);
      resolve(isReady);
    };
    // Reading goes on after that: a full pipe would stop the gateway.
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        if (output.length < 10_000) output += chunk.toString();
        if (output.includes('gatehouse ready')) settle(true);
      });
    }
    child.once('exit', () => settle(false));
  });
  if (!(await ready)) {
    await kill();
    throw new Error(`the gateway did not start:\n${output}`);
  }
  return { pid: child.pid ?? 0, kill };
}
