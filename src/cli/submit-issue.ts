/** `gatehouse job submit issue-certificates` */
import { type Command, Option } from 'commander';
import { addMadeKeyOptions, type MadeKeyOptions, readArchiveOptions } from './made-keys.js';
import type { RunWithCore } from './run-with-core.js';
import { given, type SubmitOptions, submit, submitCommand } from './submit.js';

interface IssueOptions extends SubmitOptions, MadeKeyOptions {
  readonly policy: string;
  readonly keys: string;
  readonly profile?: string;
}

export function issueCertificatesCommand(run: RunWithCore, readSecret: () => Promise<string>): Command {
  const command = submitCommand('issue-certificates')
    .description('issue a certificate for each row: for the key of its CSR, or for one that the gateway makes')
    .requiredOption('--policy <label>', 'under which: <policy> or <policy>~<group>')
    .addOption(new Option('--keys <whose>', 'who makes the keys').choices(['csr', 'gateway']).default('csr'))
    .option('--profile <name>', 'certificate profile, where the policy has several');
  return addMadeKeyOptions(command)
    .addHelpText('after', help)
    .action((options: IssueOptions) =>
      run(async (core) => {
        const { policy, keys, profile, keyType } = options;
        const archive = await readArchiveOptions(options, readSecret);
        const wanted = { options: given({ policy, keys, profile, keyType, archive }) };
        return await submit('issue-certificates', options, wanted, core);
      }),
    );
}

const help = `
The policy has to have batch among its methods. With --keys gateway, gatehouse job archive fetches certificates and keys, once.

Examples:
  gatehouse job submit issue-certificates -f requests.csv --policy pumps --watch
  gatehouse job submit issue-certificates -f pumps.csv --policy pumps --keys gateway --recipient me.pem
  gatehouse job submit issue-certificates -f pumps.csv --policy pumps --keys gateway --password-stdin < password.txt`;
