/** `gatehouse job submit`: a subcommand for each kind of job. Works beside the running gateway, which takes the job up. */
import { createReadStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { deleteJob } from '../jobs/change-job.js';
import { createJob, planJob } from '../jobs/create-job.js';
import { formatOfName, type InputFormat, inputFormats } from '../jobs/input/read-rows.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { loadInput } from '../jobs/load-input.js';
import type { JobKindName } from '../model/job.js';
import type { Core } from '../open-core.js';
import type { JobOverview } from '../store/job-record.js';
import { parseTime } from './arguments.js';
import { CommandLineError } from './command-line-error.js';
import { jobJson } from './describe-job.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';
import { watchJob } from './watch-job.js';

/** What the options of all kinds have in common. */
interface SubmitOptions {
  readonly file?: string;
  readonly format?: InputFormat;
  readonly name?: string;
  readonly start: boolean;
  readonly watch?: true;
  readonly json?: true;
}

export function submitJobCommand(run: RunWithCore): Command {
  return new Command('submit')
    .description('submit a job; it starts by itself, unless --no-start is given')
    .addCommand(registerDevicesCommand(run))
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

interface RevokeOptions extends SubmitOptions {
  readonly division: string;
  readonly reason?: string;
  readonly selectGroup?: string;
  readonly selectPolicy?: string;
  readonly selectProfile?: string;
  readonly selectIssuer?: string;
  readonly issuedBefore?: string;
  readonly expiresBefore?: string;
}

function revokeCertificatesCommand(run: RunWithCore): Command {
  return submitCommand('revoke-certificates')
    .description('revoke certificates that a file names, or all that fit every --select… when the job runs')
    .requiredOption('--division <name>', 'whose certificates they are')
    .addOption(new Option('--reason <reason>', 'of the rows that give none').choices(finalReasons))
    .option('--select-group <name>', 'those of the devices in this group')
    .option('--select-policy <name>', 'those issued under this policy')
    .option('--select-profile <name>', 'those of this certificate profile')
    .option('--select-issuer <generation>', 'those of this CA generation, such as quickstart-ec-1')
    .option('--issued-before <time>', 'those issued before, such as 2026-01-31T12:00:00Z')
    .option('--expires-before <time>', 'those that end before')
    .addHelpText(
      'after',
      '\nExamples:\n  gatehouse job submit revoke-certificates -f lost.csv --division plant --reason keyCompromise\n  gatehouse job submit revoke-certificates --division plant --reason superseded --select-issuer devices-1',
    )
    .action((options: RevokeOptions) =>
      run((core) =>
        submit(
          'revoke-certificates',
          options,
          { options: given({ division: options.division, reason: options.reason }), selection: selectionOf(options) },
          core,
        ),
      ),
    );
}

function submitCommand(kind: JobKindName): Command {
  return new Command(kind)
    .option('-f, --file <file>', 'CSV, JSON Lines, or either in a ZIP archive; - for standard input')
    .addOption(new Option('--format <format>', 'of the file, where its name does not tell').choices(inputFormats))
    .option('--name <text>', 'what to call the job')
    .option('--no-start', 'wait for gatehouse job start')
    .option('--watch', 'watch it until it stops')
    .addOption(jsonOption());
}

interface WantedJob {
  readonly options: object;
  readonly selection?: object | undefined;
}

async function submit(kind: JobKindName, common: SubmitOptions, wanted: WantedJob, core: Core): Promise<string> {
  const { file, name, start, watch, json } = common;
  if ((file === undefined) === (wanted.selection === undefined)) {
    throw new CommandLineError(
      'give the rows with --file; where certificates can be selected in place of a file, give either',
    );
  }
  if (file !== undefined && file !== '-' && !existsSync(file)) throw new CommandLineError(`there is no file ${file}`);
  const kinds = createJobKinds(core);
  const format = file === undefined ? undefined : (common.format ?? formatOfFile(file));
  const planned = planJob({ kind, name, start, ...wanted }, kinds);
  const actor = person();
  let job: JobOverview = await createJob(planned, actor, core);
  if (file !== undefined && format !== undefined) {
    const source = file === '-' ? process.stdin : createReadStream(file);
    try {
      job = await loadInput({ id: job.id, source, format, name: basename(file), actor }, core, kinds);
    } catch (error) {
      // Nobody would send the input of this one again.
      await deleteJob({ id: job.id, actor }, core);
      throw error;
    }
  }
  if (watch) return await watchJob(job.id, json ?? false, core);
  if (json) return jsonLines([jobJson(job, core.clock.now())]);
  return `job ${job.id} is ${job.state}; gatehouse job watch ${job.id} shows how far it is`;
}

function formatOfFile(file: string): InputFormat {
  if (file === '-') throw new CommandLineError('standard input has no name: give --format');
  return /\.zip$/i.test(file) ? 'zip' : formatOfName(file);
}

function selectionOf(options: RevokeOptions): object | undefined {
  const { selectGroup, selectPolicy, selectProfile, selectIssuer, issuedBefore, expiresBefore } = options;
  const selection = given({
    group: selectGroup,
    policy: selectPolicy,
    profile: selectProfile,
    issuer: selectIssuer,
    issuedBefore: issuedBefore === undefined ? undefined : parseTime(issuedBefore).toISOString(),
    expiresBefore: expiresBefore === undefined ? undefined : parseTime(expiresBefore).toISOString(),
  });
  return Object.keys(selection).length === 0 ? undefined : selection;
}

function given(values: Readonly<Record<string, string | undefined>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
