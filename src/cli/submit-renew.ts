/** `gatehouse job submit renew-certificates` */
import { type Command, Option } from 'commander';
import { addMadeKeyOptions, type MadeKeyOptions, readArchiveOptions } from './made-keys.js';
import type { RunWithCore } from './run-with-core.js';
import { addSelectOptions, type SelectOptions, selectionOf } from './select-certificates.js';
import { given, type SubmitOptions, submit, submitCommand } from './submit.js';

interface RenewOptions extends SubmitOptions, MadeKeyOptions, SelectOptions {
  readonly division: string;
  readonly keys: string;
}

export function renewCertificatesCommand(run: RunWithCore, readSecret: () => Promise<string>): Command {
  const command = submitCommand('renew-certificates')
    .description('renew certificates that a file names, or all that fit every --select… when the job runs')
    .requiredOption('--division <name>', 'whose certificates they are')
    .addOption(
      new Option('--keys <whose>', "device: each certificate's own key, or that of the row's CSR; gateway: new ones")
        .choices(['device', 'gateway'])
        .default('device'),
    );
  return addMadeKeyOptions(addSelectOptions(command))
    .addHelpText('after', help)
    .action((options: RenewOptions) =>
      run(async (core) => {
        const { division, keys, keyType } = options;
        const archive = await readArchiveOptions(options, readSecret);
        const wanted = {
          options: given({ division, keys, keyType, archive }),
          selection: selectionOf(options, core.clock.now()),
        };
        return await submit('renew-certificates', options, wanted, core);
      }),
    );
}

const help = `
The policies of the certificates have to have batch among their methods, and their profiles say when renewal begins.
gatehouse job archive fetches the new certificates, and the keys that the gateway has made, once.

Examples:
  gatehouse job submit renew-certificates -f ending.csv --division plant --watch
  gatehouse job submit renew-certificates --division plant --select-policy pumps --expires-before 30d
  gatehouse job submit renew-certificates -f ending.csv --division plant --keys gateway --password-file password.txt`;
