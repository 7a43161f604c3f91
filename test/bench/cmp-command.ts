/** `npm run bench -- cmp` */
import { join } from 'node:path';
import type { Command } from 'commander';
import { benchCmp, type CmpServer } from './cmp-bench.js';
import { addBenchOptions, type BenchOptions, print, read, showProgress, withGateway } from './command-line.js';
import type { GatewayProcess } from './gateway-process.js';
import type { CmpProtection } from './load-job.js';

interface CmpOptions extends BenchOptions {
  readonly ref?: string;
  readonly secretEnv: string;
  readonly clientCa?: string;
  readonly clientCaKey?: string;
}

export function addCmpCommand(program: Command): void {
  const command = program
    .command('cmp')
    .description(
      'CMP ir with implicit confirm and P-256 keys, by PasswordBasedMac as openssl sends it and by signatures; each message has a key and device name of its own',
    )
    .option('--url <url>', 'a CMP server to aim at; a gateway of this build is started when absent')
    .option('--ref <name>', 'reference of the secret')
    .option('--secret-env <variable>', 'environment variable with the secret', 'CMP_SECRET')
    .option('--client-ca <file>', 'PEM CA that makes a certificate for each device that signs')
    .option('--client-ca-key <file>', 'PEM private key of that CA');
  addBenchOptions(command)
    .addHelpText(
      'after',
      `
Messages say when they were made, and all of a phase are made before it begins: phases of more than a minute or so
may end with messages that are too old for the server.

Examples:
  npm run bench -- cmp
  npm run bench -- cmp --seconds 10 --clients 16
  CMP_SECRET=foo123 npm run bench -- cmp --url http://cmp.example.com/.well-known/cmp --ref device --pid 4711`,
    )
    .action(runCmp);
}

async function runCmp(options: CmpOptions): Promise<void> {
  const { url, seconds, clients } = options;
  const bench = async (server: CmpServer) =>
    print(await benchCmp({ server, seconds, clients, onProgress: showProgress }));
  if (url !== undefined) await bench(describeServer(options, url));
  else await withGateway(options, (gateway) => bench(describeGateway(gateway)));
}

function describeGateway({ pid, directory, environment }: GatewayProcess): CmpServer {
  const {
    GATEHOUSE_CMP_URL = '',
    GATEHOUSE_CA_FILE = '',
    GATEHOUSE_CMP_REFERENCE = '',
    GATEHOUSE_CMP_SECRET = '',
  } = environment;
  const factory = join(directory, 'quickstart');
  return {
    target: { url: GATEHOUSE_CMP_URL, caPem: read(GATEHOUSE_CA_FILE) },
    pid,
    protections: [
      { kind: 'mac', reference: GATEHOUSE_CMP_REFERENCE, secret: GATEHOUSE_CMP_SECRET },
      signedUnder(join(factory, 'factory-ca.pem'), join(factory, 'factory-ca.key')),
    ],
  };
}

function describeServer({ ca, ref, secretEnv, clientCa, clientCaKey, pid }: CmpOptions, url: string): CmpServer {
  const secret = process.env[secretEnv];
  if (ref !== undefined && secret === undefined)
    throw new Error(`--ref needs the secret in the environment variable ${secretEnv}`);
  const protections: CmpProtection[] = [
    ...(ref === undefined || secret === undefined ? [] : [{ kind: 'mac', reference: ref, secret } as const]),
    ...(clientCa === undefined || clientCaKey === undefined ? [] : [signedUnder(clientCa, clientCaKey)]),
  ];
  if (protections.length === 0) throw new Error('give --ref, or --client-ca and --client-ca-key');
  return {
    target: { url, ...(ca === undefined ? {} : { caPem: read(ca) }) },
    protections,
    ...(pid === undefined ? {} : { pid }),
  };
}

function signedUnder(certificateFile: string, keyFile: string): CmpProtection {
  return { kind: 'signature', clientCa: { certificatePem: read(certificateFile), privateKeyPem: read(keyFile) } };
}
