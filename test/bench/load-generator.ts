/** The load generator: a process of its own. It prepares a job, says so, waits for the word, runs it and reports. */
import { prepareAcme } from './acme-load.js';
import { prepareCmp } from './cmp-load.js';
import { prepareEst } from './est-load.js';
import { prepareHandshakes } from './handshake-load.js';
import type { Load, LoadClient } from './load.js';
import type { FromGenerator, LoadJob, LoadResult, ToGenerator } from './load-job.js';
import { prepareOcsp } from './ocsp-load.js';
import { prepareScep } from './scep-load.js';

let start: (() => void) | undefined;

process.on('message', (message: ToGenerator) => {
  if ('go' in message) start?.();
  else run(message.job).catch((error) => report({ error: String(error) }));
});

async function run(job: LoadJob): Promise<void> {
  const load = await prepare(job);
  const clients = Array.from({ length: job.clients }, () => load.connect());
  const go = new Promise<void>((resolve) => {
    start = resolve;
  });
  report({ ready: true });
  await go;
  const result = await shoot(job.seconds, load.requests, clients);
  for (const { close } of clients) close();
  load.close?.();
  load.check?.();
  report({ result });
}

function prepare(job: LoadJob): Load | Promise<Load> {
  switch (job.kind) {
    case 'est':
      return prepareEst(job);
    case 'scep':
      return prepareScep(job);
    case 'cmp':
      return prepareCmp(job);
    case 'acme':
      return prepareAcme(job);
    case 'ocsp':
      return prepareOcsp(job);
    case 'handshake':
      return prepareHandshakes(job);
  }
}

async function shoot(seconds: number, requests: number, clients: readonly LoadClient[]): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  let failed = 0;
  let failure: string | undefined;
  const began = performance.now();
  const end = began + seconds * 1000;
  const timer = setInterval(() => report({ progress: latencies.length }), 200);
  await Promise.all(
    clients.map(async ({ send }) => {
      while (next < requests && performance.now() < end) {
        const from = performance.now();
        try {
          await send(next++);
          latencies.push(performance.now() - from);
        } catch (error) {
          failed++;
          failure ??= error instanceof Error ? error.message : String(error);
        }
      }
    }),
  );
  const took = performance.now() - began;
  clearInterval(timer);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const numbers = { done: latencies.length, failed, seconds: took / 1000, median: at(0.5), p99: at(0.99) };
  return failure === undefined ? numbers : { ...numbers, failure };
}

function report(message: FromGenerator): void {
  process.send?.(message);
}
