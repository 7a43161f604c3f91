/** `npm run bench -- scep` */
import type { Command } from 'commander';
import { addBenchOptions, type BenchOptions, print, read, showProgress, withGateway } from './command-line.js';
import { benchScep, type ScepServer } from './scep-bench.js';
import { fetchRecipient } from './scep-recipient.js';

interface ScepOptions extends BenchOptions {
  readonly challengeEnv: string;
}

export function addScepCommand(program: Command): void {
  const command = program
    .command('scep')
    .description('SCEP PKCSReq with RSA-2048 keys, each message with a key and device name of its own')
    .option('--url <url>', 'a SCEP server to aim at; a gateway of this build is started when absent')
    .option('--challenge-env <variable>', 'environment variable with the challenge password', 'SCEP_CHALLENGE');
  addBenchOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run bench -- scep
  npm run bench -- scep --seconds 10 --clients 16
  SCEP_CHALLENGE=foo123 npm run bench -- scep --url http://scep.example.com/scep --pid 4711`,
    )
    .action(runScep);
}

async function runScep(options: ScepOptions): Promise<void> {
  const { url, ca, challengeEnv, pid, seconds, clients } = options;
  const bench = async (base: string, server: Omit<ScepServer, 'target' | 'recipientPem'>) => {
    const caPem = ca === undefined ? {} : { caPem: read(ca) };
    const target = { url: `${base}?operation=PKIOperation`, ...caPem };
    const recipientPem = await fetchRecipient({ url: `${base}?operation=GetCACert`, ...caPem });
    print(await benchScep({ server: { ...server, target, recipientPem }, seconds, clients, onProgress: showProgress }));
  };
  if (url !== undefined) {
    const challenge = process.env[challengeEnv];
    if (challenge === undefined) throw new Error(`the environment variable ${challengeEnv} has no challenge password`);
    await bench(url, { challenge, ...(pid === undefined ? {} : { pid }) });
    return;
  }
  await withGateway(options, async ({ pid: own, environment }) => {
    const { GATEHOUSE_SCEP_URL = '', GATEHOUSE_PASSCODE = '' } = environment;
    // The policy whose CA has an RSA key, as the RA always has.
    await bench(new URL('quickstart-rsa', GATEHOUSE_SCEP_URL).href, { challenge: GATEHOUSE_PASSCODE, pid: own });
  });
}
