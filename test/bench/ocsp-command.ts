/** `npm run bench -- ocsp` */
import { X509Certificate } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { toPem } from '../../src/x509/pem.js';
import { makeCsr, newKey } from '../support/make-csr.js';
import { addBenchOptions, type BenchOptions, print, read, showProgress, withGateway } from './command-line.js';
import type { GatewayProcess } from './gateway-process.js';
import { benchOcsp, type OcspServer } from './ocsp-bench.js';
import { createContext } from './secure-context.js';
import { describeRefusal, send } from './send.js';

interface OcspOptions extends BenchOptions {
  readonly issuer?: string;
  readonly cert?: string;
}

/** How many certificates are asked for in turn. */
const certificates = 200;

export function addOcspCommand(program: Command): void {
  const command = program
    .command('ocsp')
    .description('OCSP for good certificates: by GET, and by POST with a nonce, for which each answer is signed')
    .option('--url <url>', 'an OCSP responder to aim at; a gateway of this build is started when absent')
    .option('--issuer <file>', 'PEM certificate of the CA that is asked about')
    .option('--cert <file>', 'PEM certificate of that CA whose status is good');
  addBenchOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run bench -- ocsp
  npm run bench -- ocsp --seconds 10 --clients 16
  npm run bench -- ocsp --url http://ocsp.example.com --issuer issuing.pem --cert server.pem --pid 4711`,
    )
    .action(runOcsp);
}

async function runOcsp(options: OcspOptions): Promise<void> {
  const { url, issuer, cert, pid, seconds, clients } = options;
  const bench = async (server: OcspServer) =>
    print(await benchOcsp({ server, seconds, clients, onProgress: showProgress }));
  if (url === undefined) {
    await withGateway(options, async (gateway) => bench(await describeGateway(gateway)));
    return;
  }
  if (issuer === undefined || cert === undefined) throw new Error('give --issuer and --cert as well');
  const { serialNumber } = new X509Certificate(read(cert));
  await bench({
    target: { url },
    issuerPem: read(issuer),
    serialNumbers: [serialNumber.toLowerCase()],
    ...(pid === undefined ? {} : { pid }),
  });
}

const issuedSchema = z.object({ certificate: z.string(), chain: z.array(z.string()), serialNumber: z.string() });

/** Enrolls the certificates that are asked for. */
async function describeGateway({ pid, environment }: GatewayProcess): Promise<OcspServer> {
  const {
    GATEHOUSE_REST_URL = '',
    GATEHOUSE_CA_FILE = '',
    GATEHOUSE_USERNAME = '',
    GATEHOUSE_PASSCODE = '',
  } = environment;
  const secureContext = createContext({ url: GATEHOUSE_REST_URL, caPem: read(GATEHOUSE_CA_FILE) });
  const headers = {
    'Content-Type': 'application/json',
    'X-Username': GATEHOUSE_USERNAME,
    'X-Passcode': GATEHOUSE_PASSCODE,
  };
  const issued: z.output<typeof issuedSchema>[] = [];
  while (issued.length < certificates) {
    const csr = toPem('CERTIFICATE REQUEST', makeCsr({ key: newKey(), subject: `CN=bench-${issued.length}` }));
    const options = { agent: false, secureContext, headers } as const;
    const answer = await send(new URL(GATEHOUSE_REST_URL), options, Buffer.from(JSON.stringify({ csr })));
    if (answer.status !== 201) throw new Error(`enrollment: ${describeRefusal(answer)}`);
    issued.push(issuedSchema.parse(JSON.parse(answer.body.toString('utf8'))));
  }
  const [first] = issued;
  const url = /OCSP - URI:(\S+)/.exec(new X509Certificate(first?.certificate ?? '').infoAccess ?? '')?.[1];
  if (url === undefined) throw new Error('certificates do not say where to ask');
  return {
    target: { url },
    issuerPem: first?.chain[0] ?? '',
    serialNumbers: issued.map(({ serialNumber }) => serialNumber),
    pid,
  };
}
