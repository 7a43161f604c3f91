/** A real gateway on loopback, in a temporary folder, for one test file. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.js';
import { type Gateway, startGateway } from '../../src/gateway.js';
import { createLog } from '../../src/log.js';
import { readSettings, type Settings } from '../../src/settings.js';

export interface TestGateway {
  readonly gateway: Gateway;
  readonly settings: Settings;
  readonly directory: string;
  /** The variables of quickstart.env. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

interface TestGatewayOptions {
  readonly clock?: Clock;
  /** Settings by name, as the environment would give them. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a gateway with the quickstart configuration. Close it, so that nothing is left behind. */
export async function startTestGateway({ clock = systemClock, settings: overrides = {} }: TestGatewayOptions = {}): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const [deviceTlsPort, deviceHttpPort, adminPort] = await freePorts(3);
  const settings = readSettings({ flags: { data: directory, deviceTlsPort, deviceHttpPort, adminPort, logLevel: 'silent', ...overrides }, environment: {} });
  const gateway = await startGateway({ settings, log: createLog(settings.logLevel), clock });
  return {
    gateway,
    settings,
    directory,
    environment: parseEnvironment(await readFile(join(directory, 'quickstart.env'), 'utf8')),
    close: async () => {
      await gateway.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^([A-Z_]+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]));
}

/** Ports that were free a moment ago; all are held until the last is found, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  return await Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
