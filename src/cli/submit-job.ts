/** `gatehouse job submit`: a subcommand for each kind of job. Works beside the running gateway, which takes the job up. */
import { Command } from 'commander';
import type { RunWithCore } from './run-with-core.js';
import { given, type SubmitOptions, submit, submitCommand } from './submit.js';
import { issueCertificatesCommand } from './submit-issue.js';
import { renewCertificatesCommand } from './submit-renew.js';
import { revokeCertificatesCommand } from './submit-revoke.js';

export function submitJobCommand(run: RunWithCore, readSecret: () => Promise<string>): Command {
  return new Command('submit')
    .description('submit a job; it starts by itself, unless --no-start is given')
    .addCommand(registerDevicesCommand(run))
    .addCommand(issueCertificatesCommand(run, readSecret))
    .addCommand(renewCertificatesCommand(run, readSecret))
    .addCommand(revokeCertificatesCommand(run));
}

function registerDevicesCommand(run: RunWithCore): Command {
  type Options = SubmitOptions & { readonly group?: string; readonly division?: string };
  return submitCommand('register-devices')
    .description('register devices')
    .option('--group <name>', 'device group of the rows that name none')
    .option('--division <name>', 'of the groups that rows name; needed without --group')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse job submit register-devices -f pumps.csv --group pumps --watch\n  gatehouse job submit register-devices -f fleet.zip --division plant --name "delivery 17"',
    )
    .action(({ group, division, ...options }: Options) =>
      run((core) => submit('register-devices', options, { options: given({ group, division }) }, core)),
    );
}
