/** `gatehouse job submit revoke-certificates` */
import { type Command, Option } from 'commander';
import { finalReasons } from '../enrollment/revocation-reason.js';
import type { RunWithCore } from './run-with-core.js';
import { addSelectOptions, type SelectOptions, selectionOf } from './select-certificates.js';
import { given, type SubmitOptions, submit, submitCommand } from './submit.js';

interface RevokeOptions extends SubmitOptions, SelectOptions {
  readonly division: string;
  readonly reason?: string;
}

export function revokeCertificatesCommand(run: RunWithCore): Command {
  const command = submitCommand('revoke-certificates')
    .description('revoke certificates that a file names, or all that fit every --select… when the job runs')
    .requiredOption('--division <name>', 'whose certificates they are')
    .addOption(new Option('--reason <reason>', 'of the rows that give none').choices(finalReasons));
  return addSelectOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse job submit revoke-certificates -f lost.csv --division plant --reason keyCompromise\n  gatehouse job submit revoke-certificates --division plant --reason superseded --select-issuer devices-1',
    )
    .action((options: RevokeOptions) =>
      run((core) =>
        submit(
          'revoke-certificates',
          options,
          {
            options: given({ division: options.division, reason: options.reason }),
            selection: selectionOf(options, core.clock.now()),
          },
          core,
        ),
      ),
    );
}
