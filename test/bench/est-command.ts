/** `npm run bench -- est` */
import { join } from 'node:path';
import type { Command } from 'commander';
import { addBenchOptions, type BenchOptions, print, read, showProgress, withGateway } from './command-line.js';
import { benchEst, type EstServer } from './est-bench.js';
import type { GatewayProcess } from './gateway-process.js';

interface EstOptions extends BenchOptions {
  readonly user?: string;
  readonly passwordEnv: string;
  readonly cert?: string;
  readonly key?: string;
  readonly clientCa?: string;
  readonly clientCaKey?: string;
}

export function addEstCommand(program: Command): void {
  const command = program
    .command('est')
    .description('EST simpleenroll with P-256 keys, each request with a key and device name of its own')
    .option(
      '--url <url>',
      'an EST server to aim at, up to and without the operation; a gateway of this build is started when absent',
    )
    .option('--user <name>', 'user name for HTTP Basic authentication')
    .option('--password-env <variable>', 'environment variable with the password', 'EST_PASSWORD')
    .option('--cert <file>', 'PEM client certificate, the same for every connection')
    .option('--key <file>', 'PEM private key of the client certificate')
    .option('--client-ca <file>', 'PEM CA that makes a client certificate for each connection')
    .option('--client-ca-key <file>', 'PEM private key of that CA');
  addBenchOptions(command)
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
}

async function runEst(options: EstOptions): Promise<void> {
  const { url, seconds, clients } = options;
  const bench = async (server: EstServer) =>
    print(await benchEst({ server, seconds, clients, onProgress: showProgress }));
  if (url !== undefined) await bench(describeServer(options, url));
  else await withGateway(options, (gateway) => bench(describeGateway(gateway)));
}

function describeGateway({ pid, directory, environment }: GatewayProcess): EstServer {
  const {
    GATEHOUSE_EST_URL = '',
    GATEHOUSE_CA_FILE = '',
    GATEHOUSE_USERNAME = '',
    GATEHOUSE_PASSCODE = '',
  } = environment;
  const factory = join(directory, 'quickstart');
  return {
    target: { url: `${GATEHOUSE_EST_URL}/simpleenroll`, caPem: read(GATEHOUSE_CA_FILE) },
    pid,
    basic: { user: GATEHOUSE_USERNAME, password: GATEHOUSE_PASSCODE },
    clientCa: {
      certificatePem: read(join(factory, 'factory-ca.pem')),
      privateKeyPem: read(join(factory, 'factory-ca.key')),
    },
  };
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
