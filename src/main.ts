#!/usr/bin/env node
/** The `gatehouse` command. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { acmeKeyCommand } from './cli/acme-key.js';
import { applyCommand, exportCommand } from './cli/apply.js';
import { auditCommand } from './cli/audit.js';
import { backUpCommand } from './cli/backup.js';
import { certificateCommand } from './cli/certificate.js';
import { deviceCommand } from './cli/device.js';
import { doctorCommand } from './cli/doctor.js';
import { healthCommand } from './cli/health.js';
import { jobCommand } from './cli/job.js';
import { passcodeCommand } from './cli/passcode.js';
import { requestCommand } from './cli/request.js';
import { restoreCommand } from './cli/restore.js';
import { createRunWithCore } from './cli/run-with-core.js';
import { serveCommand } from './cli/serve.js';
import { statusCommand } from './cli/status.js';
import { readSettings, settingDescriptions } from './settings.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

const program = new Command('gatehouse')
  .description("Gatehouse: one gate for every device's certificate.")
  .version(version)
  .showHelpAfterError('(gatehouse --help shows what there is)')
  .option('--settings <file>', 'YAML file with settings (GATEHOUSE_SETTINGS)');
for (const { key, flag, variable, description } of settingDescriptions) {
  program.option(`${flag} <${key}>`, `${description} (${variable})`);
}

const settings = () => {
  const { settings: file = process.env.GATEHOUSE_SETTINGS, ...flags } = program.opts();
  return readSettings({ flags, environment: process.env, ...(file === undefined ? {} : { file }) });
};
const run = createRunWithCore(settings);

for (const command of [
  serveCommand(settings),
  applyCommand(run),
  exportCommand(run),
  passcodeCommand(run),
  acmeKeyCommand(run),
  requestCommand(run),
  deviceCommand(run),
  certificateCommand(run),
  jobCommand(run),
  auditCommand(run),
  backUpCommand(settings),
  restoreCommand(settings),
  statusCommand(settings),
  doctorCommand(settings),
  healthCommand(settings),
]) {
  program.addCommand(command);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Error && !isMistake(error) ? `gatehouse: ${explain(error)}` : error);
}

/** A fault of the program, whose stack somebody will want. */
function isMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
}

function explain({ message, cause }: Error): string {
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}
