/** A gateway in a process of its own that is killed in the middle of its work and started again on the same data. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface RunningGateway {
  readonly pid: number;
  /** kill -9: no handler runs and nothing is flushed. */
  kill(): Promise<void>;
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
