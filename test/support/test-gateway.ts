/** A real gateway on loopback, in a temporary folder, for one test file. */
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/clock.js';
import { type Gateway, startGateway } from '../../src/gateway.js';
import { createLog, type Log } from '../../src/log.js';
import { readSettings, type Settings } from '../../src/settings.js';

export interface TestGateway {
  readonly gateway: Gateway;
  readonly settings: Settings;
  readonly directory: string;
  /** The variables of quickstart.env; none with a configuration of the test's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stops it and starts it again on the same data, with the same settings, log and clock. */
  restart(): Promise<TestGateway>;
  close(): Promise<void>;
}

interface TestGatewayOptions {
  readonly clock?: Clock;
  /** Settings by name, as the environment would give them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** YAML that the first start applies instead of the quickstart: it starts faster with no RSA keys to make. */
  readonly configuration?: string;
  readonly log?: Log;
}

/** Starts a gateway, with the quickstart configuration unless told otherwise. Close it, so that nothing is left behind. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const [deviceTlsPort, deviceHttpPort, adminPort] = await freePorts(3);
  const configuration =
    options.configuration === undefined ? {} : { configuration: join(directory, 'configuration.yaml') };
  if (options.configuration !== undefined)
    await writeFile(join(directory, 'configuration.yaml'), options.configuration);
  const flags = {
    data: directory,
    deviceTlsPort,
    deviceHttpPort,
    adminPort,
    logLevel: 'silent',
    ...configuration,
    ...options.settings,
  };
  try {
    return await startOn(readSettings({ flags, environment: {} }), options);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function startOn(settings: Settings, options: TestGatewayOptions): Promise<TestGateway> {
  const { clock = systemClock, log = createLog(settings.logLevel) } = options;
  const gateway = await startGateway({ settings, log, clock });
  const directory = settings.data;
  return {
    gateway,
    settings,
    directory,
    environment: await readEnvironment(join(directory, 'quickstart.env')),
    restart: async () => {
      await gateway.close();
      return await startOn(settings, options);
    },
    close: async () => {
      await gateway.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function readEnvironment(file: string): Promise<Record<string, string>> {
  return parseEnvironment(await readFile(file, 'utf8').catch(() => ''));
}

function parseEnvironment(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

/**
 * Ports that were free a moment ago; all are held until the last is found, so that they differ. They are below those that
 * systems give to outgoing connections (32768 and more), one of which could take them before the gateway does.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  while (held.length < count) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(randomInt(10_000, 32_768), '127.0.0.1', () => resolve(true));
    });
    if (isFree) held.push(server);
  }
  return await Promise.all(
    held.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
