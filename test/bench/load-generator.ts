/** The load generator: a process of its own. It prepares a job, says so, waits for the word, runs it and reports. */
import { Agent, request as httpsRequest } from 'node:https';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import type { FromGenerator, LoadJob, LoadResult, ToGenerator } from './load-job.js';
import { type ClientIdentity, createRequestFactory, type PreparedRequest } from './prepared-request.js';

interface Shot {
  readonly body: Buffer;
  readonly context: SecureContext;
}

/** One request under way after the other, on its own connection or connections. */
type Fire = (shot: Shot) => Promise<void>;

let start: (() => void) | undefined;

process.on('message', (message: ToGenerator) => {
  if ('go' in message) start?.();
  else run(message.job).catch((error) => report({ error: String(error) }));
});

async function run(job: LoadJob): Promise<void> {
  const shots = prepare(job);
  const clients = Array.from({ length: job.clients }, () => createClient(job));
  const go = new Promise<void>((resolve) => {
    start = resolve;
  });
  report({ ready: true });
  await go;
  report({ result: await shoot(job, shots, clients) });
  for (const { close } of clients) close();
}

/** Contexts are made beforehand as well: reading keys and certificates is not what is measured. */
function prepare({ requests, clientCa, identity, target }: LoadJob): Shot[] {
  const next = createRequestFactory(clientCa);
  const contextOf = (own?: ClientIdentity) =>
    createSecureContext({
      ...(target.caPem === undefined ? {} : { ca: target.caPem }),
      ...(own === undefined ? {} : { cert: own.certificatePem, key: own.privateKeyPem }),
    });
  const shared = contextOf(identity);
  const toShot = ({ body, identity: own }: PreparedRequest) => ({ body, context: own ? contextOf(own) : shared });
  return Array.from({ length: requests }, () => toShot(next()));
}

async function shoot({ seconds }: LoadJob, shots: readonly Shot[], clients: readonly Client[]): Promise<LoadResult> {
  const latencies: number[] = [];
  let next = 0;
  let failed = 0;
  let failure: string | undefined;
  const began = performance.now();
  const end = began + seconds * 1000;
  const timer = setInterval(() => report({ progress: latencies.length }), 200);
  await Promise.all(
    clients.map(async ({ fire }) => {
      for (let shot = shots[next++]; shot !== undefined && performance.now() < end; shot = shots[next++]) {
        const from = performance.now();
        try {
          await fire(shot);
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

interface Client {
  readonly fire: Fire;
  close(): void;
}

function createClient(job: LoadJob): Client {
  if (job.kind === 'handshake') return { fire: (shot) => shakeHands(job, shot), close: () => undefined };
  const url = new URL(job.target.url);
  const agent = job.keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
  const headers: Record<string, string> = {
    'Content-Type': 'application/pkcs10',
    'Content-Transfer-Encoding': 'base64',
    ...(job.basic
      ? { Authorization: `Basic ${Buffer.from(`${job.basic.user}:${job.basic.password}`).toString('base64')}` }
      : {}),
  };
  const fire: Fire = ({ body, context }) =>
    new Promise((resolve, reject) => {
      const lengths = { 'Content-Length': String(body.length) };
      // Without an agent of its own each request would still share Node's global one, and its sessions.
      const options = {
        method: 'POST',
        headers: { ...headers, ...lengths },
        secureContext: context,
        agent: agent ?? new Agent({ maxCachedSessions: 0 }),
      };
      const sent = httpsRequest(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else
            reject(
              new Error(`${response.statusCode}: ${Buffer.concat(chunks).toString('latin1').trim().slice(0, 200)}`),
            );
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return { fire, close: () => agent?.destroy() };
}

/** Ends when the server has closed the connection, which it does when it has the client's Finished. */
function shakeHands({ target }: LoadJob, { context }: Shot): Promise<void> {
  const { hostname, port } = new URL(target.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port || 443), servername: hostname, secureContext: context });
    socket.on('error', reject);
    socket.on('close', (hadError) => {
      if (!hadError) resolve();
    });
    socket.resume();
  });
}

function report(message: FromGenerator): void {
  process.send?.(message);
}
