/** Asks the listeners of the gateway on this machine, from outside, whether they answer. */
import { request } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import type { Settings } from '../settings.js';

const timeoutMilliseconds = 4_000;

export interface ListenerState {
  readonly listener: 'device TLS' | 'device HTTP' | 'admin TLS';
  readonly address: string;
  readonly answers: boolean;
  /** What answers, or why nothing does. */
  readonly said: string;
}

/** Whether each of the three answers as it should. */
export async function probeListeners(settings: ListenerSettings): Promise<readonly ListenerState[]> {
  const host = localHost(settings.host);
  return await Promise.all([
    probe('device TLS', settings.deviceTlsPort, async (port) => {
      await presentedCertificate(settings, port);
      return 'TLS';
    }),
    probe('device HTTP', settings.deviceHttpPort, (port) => connects(host, port)),
    probe('admin TLS', settings.adminPort, async (port) => {
      const status = await readiness(host, port);
      if (status !== 200) throw new Error(`not ready (HTTP ${status})`);
      return 'ready';
    }),
  ]);

  async function probe(
    listener: ListenerState['listener'],
    port: number,
    ask: (port: number) => Promise<string>,
  ): Promise<ListenerState> {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    try {
      return { listener, address, answers: true, said: await ask(port) };
    } catch (error) {
      return { listener, address, answers: false, said: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** Where to reach a listener that binds every address. */
export function localHost(host: string): string {
  return anyAddress.get(host) ?? host;
}

/** The HTTP status of the admin listener's `/readyz`. */
export function readiness(host: string, port: number): Promise<number> {
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
    question.on('error', reject);
    question.end();
  });
}

/** The certificate that a TLS listener shows, whatever its names are. */
export function presentedCertificate({ host }: Pick<Settings, 'host'>, port: number): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(
      { host: localHost(host), port, rejectUnauthorized: false, timeout: timeoutMilliseconds },
      () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
  });
}

type ListenerSettings = Pick<Settings, 'host' | 'deviceTlsPort' | 'deviceHttpPort' | 'adminPort'>;

const anyAddress: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

function connects(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutMilliseconds }, () => {
      resolve('open');
      socket.destroy();
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
  });
}
