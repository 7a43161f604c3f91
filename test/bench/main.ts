/** `npm run bench`: how fast the gateway, or another server, is, and what an enrollment costs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { benchEst, type EstBenchOptions, type EstServer } from './est-bench.js';
import { formatReport } from './est-report.js';
import { startGatewayProcess } from './gateway-process.js';

interface EstOptions {
  readonly url?: string;
  readonly ca?: string;
  readonly user?: string;
  readonly passwordEnv: string;
  readonly cert?: string;
  readonly key?: string;
  readonly clientCa?: string;
  readonly clientCaKey?: string;
  readonly pid?: number;
  readonly seconds: number;
  readonly clients: readonly number[];
  readonly directory?: string;
  readonly profile?: string;
}

const program = new Command('npm run bench --').description(
  'Measures enrollment: throughput, latency and the server CPU of each, beside the cost of the bare cryptography.',
);

program
  .command('est')
  .description('EST simpleenroll with P-256 keys, each request with a key and device name of its own')
  .option(
    '--url <url>',
    'an EST server to aim at, up to and without the operation; a gateway of this build is started when absent',
  )
  .option('--ca <file>', 'PEM roots to verify the server with')
  .option('--user <name>', 'user name for HTTP Basic authentication')
  .option('--password-env <variable>', 'environment variable with the password', 'EST_PASSWORD')
  .option('--cert <file>', 'PEM client certificate, the same for every connection')
  .option('--key <file>', 'PEM private key of the client certificate')
  .option('--client-ca <file>', 'PEM CA that makes a client certificate for each connection')
  .option('--client-ca-key <file>', 'PEM private key of that CA')
  .option('--pid <process>', 'process id of the server, if it runs here, to read its CPU time', positive)
  .option('--seconds <number>', 'how long each phase sends', positive, 3)
  .option('--clients <list>', 'numbers of clients over keep-alive connections', numbers, [1, 16, 64])
  .option('--directory <folder>', 'where the started gateway keeps its data: the disk that commits are flushed to')
  .option('--profile <folder>', 'write CPU profiles of the started gateway there, one of each thread')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- est
  npm run bench -- est --seconds 10 --clients 16
  npm run bench -- est --clients 16 --profile /tmp/profiles
  EST_PASSWORD=foo123 npm run bench -- est --url https://est.example.com:8443/.well-known/est --ca root.pem --user estuser
  npm run bench -- est --url https://est.example.com:8443/.well-known/est --ca root.pem --cert device.pem --key device.key --pid 4711`,
  )
  .action(runEst);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function runEst(options: EstOptions): Promise<void> {
  const { seconds, clients } = options;
  const bench = (server: EstServer) => benchAndPrint({ server, seconds, clients, onProgress: showProgress });
  if (options.url !== undefined) {
    await bench(describeServer(options, options.url));
    return;
  }
  const gateway = await startGatewayProcess({
    ...(options.directory === undefined ? {} : { parentDirectory: options.directory }),
    ...(options.profile === undefined ? {} : { profileDirectory: options.profile }),
  });
  try {
    const {
      GATEHOUSE_EST_URL = '',
      GATEHOUSE_CA_FILE = '',
      GATEHOUSE_USERNAME = '',
      GATEHOUSE_PASSCODE = '',
    } = gateway.environment;
    const factory = join(gateway.directory, 'quickstart');
    await bench({
      target: { url: `${GATEHOUSE_EST_URL}/simpleenroll`, caPem: read(GATEHOUSE_CA_FILE) },
      pid: gateway.pid,
      basic: { user: GATEHOUSE_USERNAME, password: GATEHOUSE_PASSCODE },
      clientCa: {
        certificatePem: read(join(factory, 'factory-ca.pem')),
        privateKeyPem: read(join(factory, 'factory-ca.key')),
      },
    });
  } finally {
    await gateway.close();
  }
}

function describeServer(
  { ca, user, passwordEnv, cert, key, clientCa, clientCaKey, pid }: EstOptions,
  url: string,
): EstServer {
  const password = process.env[passwordEnv];
  if (user !== undefined && password === undefined)
    throw new Error(`--user needs the password in the environment variable ${passwordEnv}`);
  if (user === undefined && cert === undefined) throw new Error('give --user, or --cert and --key');
  return {
    target: { url: `${url.replace(/\/$/, '')}/simpleenroll`, ...(ca === undefined ? {} : { caPem: read(ca) }) },
    ...(pid === undefined ? {} : { pid }),
    ...(user === undefined || password === undefined ? {} : { basic: { user, password } }),
    ...(cert === undefined || key === undefined
      ? {}
      : { identity: { certificatePem: read(cert), privateKeyPem: read(key) } }),
    ...(clientCa === undefined || clientCaKey === undefined
      ? {}
      : { clientCa: { certificatePem: read(clientCa), privateKeyPem: read(clientCaKey) } }),
  };
}

async function benchAndPrint(options: EstBenchOptions): Promise<void> {
  const report = await benchEst(options);
  clearProgress();
  console.log(formatReport(report));
  if (report.phases.some(({ failed }) => failed > 0)) process.exitCode = 1;
}

const barWidth = 30;

/** One line on a terminal, rewritten; nothing where output goes elsewhere. */
function showProgress(phase: string, share: number, enrollmentsPerSecond: number): void {
  if (!process.stderr.isTTY) return;
  const filled = Math.min(barWidth, Math.round(share * barWidth));
  process.stderr.write(
    `\r\x1b[K${phase.padEnd(36)} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${enrollmentsPerSecond.toFixed(0)}/s`,
  );
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function read(file: string): string {
  return readFileSync(file, 'utf8');
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

function numbers(text: string): number[] {
  return text.split(',').map(positive);
}
