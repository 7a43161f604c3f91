/** All commands of `gatehouse`, in one place. */
import { Command } from 'commander';
import { readSettings, settingDescriptions } from '../settings.js';
import { acmeKeyCommand } from './acme-key.js';
import { apiKeyCommand } from './api-key.js';
import { applyCommand, exportCommand } from './apply.js';
import { auditCommand } from './audit.js';
import { backUpCommand } from './backup.js';
import { certificateCommand } from './certificate.js';
import { certificateAuthorityCommand } from './certificate-authority.js';
import { completionCommand } from './completion.js';
import { divisionCommand, groupCommand, profileCommand, templateCommand } from './configuration-commands.js';
import { deviceCommand } from './device.js';
import { doctorCommand } from './doctor.js';
import { healthCommand } from './health.js';
import { commonHelp, helpCommand } from './help.js';
import { initCommand } from './init.js';
import { jobCommand } from './job.js';
import { keyCommand } from './key.js';
import { passcodeCommand } from './passcode.js';
import { policyCommand } from './policy.js';
import { requestCommand } from './request.js';
import { restoreCommand } from './restore.js';
import { createRunWithCore } from './run-with-core.js';
import { serveCommand } from './serve.js';
import { statusCommand } from './status.js';
import { unmanagedCaCommand } from './unmanaged-ca.js';
import { userCommand } from './user.js';

/** The whole tree. Parsing throws CommanderError for wrong use, and where help or version were all that was asked for. */
export function createProgram(version: string): Command {
  const program = new Command('gatehouse')
    .description("Gatehouse: one gate for every device's certificate.")
    .version(version)
    .option('--settings <file>', 'YAML file with settings (GATEHOUSE_SETTINGS)')
    .optionsGroup('Settings:')
    .addHelpText('after', '\nExamples:\n  gatehouse serve\n  gatehouse help policy evaluate')
    .addHelpText('afterAll', commonHelp);
  for (const { key, flag, variable, description } of settingDescriptions) {
    program.option(`${flag} <${key}>`, `${description} (${variable})`);
  }
  // Taken out of the environment, where processes that are started would inherit it.
  const { GATEHOUSE_KEK: kek } = process.env;
  delete process.env.GATEHOUSE_KEK;
  const settings = () => {
    const { settings: file = process.env.GATEHOUSE_SETTINGS, ...flags } = program.opts();
    return readSettings({
      flags,
      environment: { ...process.env, GATEHOUSE_KEK: kek },
      ...(file === undefined ? {} : { file }),
    });
  };
  const run = createRunWithCore(settings, { makesDatabase: false });
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'The gateway:': [
      serveCommand(settings),
      initCommand(settings),
      statusCommand(settings),
      doctorCommand(settings),
      healthCommand(settings),
      backUpCommand(settings),
      restoreCommand(settings),
      keyCommand(settings, run),
    ],
    'Configuration:': [
      applyCommand(createRunWithCore(settings, { makesDatabase: true })),
      exportCommand(run),
      divisionCommand(run),
      groupCommand(run),
      policyCommand(run),
      profileCommand(run),
      templateCommand(run),
      certificateAuthorityCommand(run),
      passcodeCommand(run),
      acmeKeyCommand(run),
    ],
    'The fleet:': [
      deviceCommand(run),
      certificateCommand(run),
      unmanagedCaCommand(run),
      requestCommand(run),
      jobCommand(run),
      auditCommand(run),
    ],
    'Access:': [userCommand(run), apiKeyCommand(run)],
    'Help:': [helpCommand(program), completionCommand(program)],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  }
  for (const command of eachCommand(program)) prepare(command);
  return program;
}

/** A command and all below it. */
export function* eachCommand(command: Command): Generator<Command> {
  yield command;
  for (const child of command.commands) yield* eachCommand(child);
}

/** Wrong use is thrown, and told as failures are. */
function prepare(command: Command): void {
  command
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'gatehouse: ')) })
    .showHelpAfterError(`(${['gatehouse', 'help', ...pathOf(command)].join(' ')} tells more)`);
}

/** The words after `gatehouse`. */
export function pathOf(command: Command): readonly string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}
