/** The bench's side of the bare TLS server. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadTarget } from './load-job.js';
import { type ClientCa, makeClientCa, makeServerIdentity } from './prepared-request.js';

export interface BareServer {
  readonly pid: number;
  readonly target: LoadTarget;
  /** Whose client certificates it takes. */
  readonly clientCa: ClientCa;
  close(): void;
}

export async function startBareServer(): Promise<BareServer> {
  const identity = makeServerIdentity();
  const clientCa = makeClientCa();
  const child = fork(fileURLToPath(new URL('./bare-tls-server.js', import.meta.url)));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(Number(message)));
    child.once('exit', () => reject(new Error('the bare TLS server ended')));
    child.send({ identity, clientCaPem: clientCa.certificatePem });
  });
  return {
    pid: child.pid ?? 0,
    target: { url: `https://localhost:${port}`, caPem: identity.certificatePem },
    clientCa,
    close: () => child.kill(),
  };
}
