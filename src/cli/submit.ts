/** What all commands that submit a job have in common: its rows, its name, and whether it is watched. */
import { createReadStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { deleteJob } from '../jobs/change-job.js';
import { createJob, planJob } from '../jobs/create-job.js';
import { formatOfName, type InputFormat, inputFormats } from '../jobs/input/read-rows.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { loadInput } from '../jobs/load-input.js';
import type { JobKindName } from '../model/job.js';
import type { Core } from '../open-core.js';
import type { JobOverview } from '../store/job-record.js';
import { CommandLineError } from './command-line-error.js';
import { jobJson } from './describe-job.js';
import { person } from './person.js';
import { jsonLines, jsonOption } from './table.js';
import { watchJob } from './watch-job.js';

/** What the options of all kinds have in common. */
export interface SubmitOptions {
  readonly file?: string;
  readonly format?: InputFormat;
  readonly name?: string;
  readonly start: boolean;
  readonly watch?: true;
  readonly json?: true;
}

export function submitCommand(kind: JobKindName): Command {
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

export async function submit(kind: JobKindName, common: SubmitOptions, wanted: WantedJob, core: Core): Promise<string> {
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

/** What was given of it. */
export function given(values: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
