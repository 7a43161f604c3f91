/** `npm run bench -- acme` */
import { type Command, Option } from 'commander';
import { freePorts } from '../support/test-gateway.js';
import { type AcmeServer, benchAcme } from './acme-bench.js';
import { type AcmeAuthorization, acmeAuthorizations, prepareGateway } from './acme-gateway.js';
import { addBenchOptions, type BenchOptions, port, print, read, showProgress, withGateway } from './command-line.js';

interface AcmeOptions extends BenchOptions {
  readonly authorization: AcmeAuthorization;
  readonly directory?: string;
  readonly domain: string;
  readonly httpPort: number;
  readonly dnsPort: number;
  readonly eabKid?: string;
  readonly eabHmacEnv: string;
}

export function addAcmeCommand(program: Command): void {
  const command = program
    .command('acme')
    .description(
      'ACME orders from newOrder to the download with P-256 keys, http-01 answered on loopback; each client has an account, each order a key and a name of its own',
    )
    .addOption(
      new Option('--authorization <kind>', 'what an order needs: http-01, or an external account and nothing else')
        .choices(acmeAuthorizations)
        .default('challenges'),
    )
    .option(
      '--directory <url>',
      'directory of an ACME server to aim at; a gateway of this build is started when absent',
    )
    .option('--domain <name>', 'orders to that server are for names below it', 'bench.test')
    .option('--http-port <port>', 'where that server validates http-01, on 127.0.0.1', port, 5002)
    .option('--dns-port <port>', 'where it finds a DNS server, on 127.0.0.1, that has all names there', port, 8053)
    .option('--eab-kid <name>', 'key identifier of an external account')
    .option('--eab-hmac-env <variable>', 'environment variable with its key in base64url', 'EAB_HMAC');
  addBenchOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run bench -- acme
  npm run bench -- acme --authorization externalAccount --clients 16,64
  PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json -dnsserver 127.0.0.1:8053 &
  npm run bench -- acme --directory https://localhost:14000/dir --ca pebble-tls.pem --pid $!`,
    )
    .action(runAcme);
}

async function runAcme(options: AcmeOptions): Promise<void> {
  const { directory, authorization, seconds, clients } = options;
  const bench = async (server: AcmeServer) =>
    print(await benchAcme({ server, seconds, clients, onProgress: showProgress }));
  if (directory !== undefined) {
    await bench(describeServer(options, directory));
    return;
  }
  await withGateway(options, async (gateway) => {
    const [httpPort = 0, dnsPort = 0] = await freePorts(2);
    await bench(await prepareGateway(gateway, authorization, { httpPort, dnsPort }));
  });
}

function describeServer(options: AcmeOptions, url: string): AcmeServer {
  const { authorization, ca, domain, httpPort, dnsPort, eabKid, eabHmacEnv, pid } = options;
  const hmacKey = process.env[eabHmacEnv];
  if (eabKid !== undefined && hmacKey === undefined)
    throw new Error(`--eab-kid needs the key in the environment variable ${eabHmacEnv}`);
  return {
    work: {
      target: { url, ...(ca === undefined ? {} : { caPem: read(ca) }) },
      domain,
      httpPort,
      dnsPort,
      ...(eabKid === undefined || hmacKey === undefined ? {} : { externalAccount: { keyId: eabKid, hmacKey } }),
    },
    challenges: authorization === 'challenges',
    ...(pid === undefined ? {} : { pid }),
  };
}
