/** `gatehouse job`: work on many devices or certificates at once. */
import { Command, Option } from 'commander';
import { changeJob, deleteJob, type JobChange } from '../jobs/change-job.js';
import { columnNames } from '../jobs/input/row-cells.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { listJobs } from '../jobs/list-jobs.js';
import { progressOf } from '../jobs/progress.js';
import { requireJob } from '../jobs/require-job.js';
import { type JobKindName, type JobState, jobKinds, jobStates } from '../model/job.js';
import type { Core } from '../open-core.js';
import type { JobOverview, JobPlace } from '../store/job-record.js';
import { parseCount, requireKnown } from './arguments.js';
import { jobJson, outcomeOf } from './describe-job.js';
import { jobArchiveCommand } from './job-archive.js';
import { jobFailuresCommand, jobResultsCommand } from './job-files.js';
import { person } from './person.js';
import { readLine } from './read-line.js';
import type { RunWithCore } from './run-with-core.js';
import { submitJobCommand } from './submit-job.js';
import { cutListing, fields, jsonLines, jsonOption, printNote, table, timeText } from './table.js';
import { watchJobCommand } from './watch-job.js';

export function jobCommand(run: RunWithCore, readSecret = readLine): Command {
  return new Command('job')
    .description('jobs: many devices or certificates at once, row by row')
    .addCommand(submitJobCommand(run, readSecret))
    .addCommand(watchJobCommand(run))
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(changeCommand(run, 'start', 'start a job that was submitted with --no-start'))
    .addCommand(changeCommand(run, 'pause', 'pause a job; rows under way are finished'))
    .addCommand(changeCommand(run, 'resume', 'resume a paused job'))
    .addCommand(changeCommand(run, 'cancel', 'cancel a job for good; what is done stays done'))
    .addCommand(jobResultsCommand(run))
    .addCommand(jobArchiveCommand(run))
    .addCommand(jobFailuresCommand(run))
    .addCommand(deleteCommand(run))
    .addCommand(kindsCommand(run));
}

interface ListOptions {
  readonly kind?: JobKindName;
  readonly state?: JobState;
  readonly division?: string;
  readonly submittedBy?: string;
  readonly search?: string;
  readonly sort: keyof typeof orders;
  readonly limit: number;
  readonly json?: true;
}

const orders = {
  latest: { by: 'createdAt', descending: true },
  oldest: { by: 'createdAt', descending: false },
  name: { by: 'name', descending: false },
} as const;

function listCommand(run: RunWithCore): Command {
  return new Command('list')
    .description('list jobs; those that fit every condition')
    .addOption(new Option('--kind <kind>', 'those of this kind').choices(jobKinds))
    .addOption(new Option('--state <state>', 'those in this state').choices(jobStates))
    .option('--division <name>', 'those in this division')
    .option('--submitted-by <who>', 'those of this submitter, such as "user alice"')
    .option('--search <text>', 'those with this text in their name, in upper or lower case')
    .addOption(
      new Option('--sort <order>', 'latest first, oldest first, or by name')
        .choices(Object.keys(orders))
        .default('latest'),
    )
    .option('--limit <number>', 'how many at most', parseCount, 1000)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse job list --state running')
    .action((options: ListOptions) => run((core) => list(options, core)));
}

async function list(options: ListOptions, core: Core): Promise<string> {
  const { kind, state, division, submittedBy, search, sort, limit, json } = options;
  requireKnown('division', division, [...core.catalog().divisions.keys()]);
  const query = {
    order: orders[sort],
    ...(kind === undefined ? {} : { kind }),
    ...(state === undefined ? {} : { state }),
    ...(division === undefined ? {} : { divisions: [division] }),
    ...(submittedBy === undefined ? {} : { createdBy: submittedBy }),
    ...(search === undefined ? {} : { search }),
  };
  const found: JobOverview[] = [];
  let after: JobPlace | undefined;
  do {
    const page = await listJobs(query, { after, limit: limit + 1 - found.length }, core);
    found.push(...page.items);
    after = page.next;
  } while (after && found.length <= limit);
  const { shown, note } = cutListing({ found, limit, plural: 'jobs' });
  printNote(note);
  const now = core.clock.now();
  if (json) return jsonLines(shown.map((job) => jobJson(job, now)));
  if (shown.length === 0) return 'no jobs';
  return table(
    ['ID', 'KIND', 'DIVISION', 'STATE', 'ROWS', 'DONE', 'FAILED', 'SUBMITTED', 'NAME'],
    shown.map(({ id, kind, division, state, total, done, failed, createdAt, name }) => [
      ...[id, kind, division, state, String(total), String(done), String(failed)],
      ...[timeText(createdAt), name ?? ''],
    ]),
  );
}

function showCommand(run: RunWithCore): Command {
  return new Command('show')
    .argument('<id>')
    .description('show a job and how far it is')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse job show 0198a7c2-…')
    .action((id: string, { json }: { json?: true }) => run((core) => show(id, json ?? false, core)));
}

async function show(id: string, isJson: boolean, core: Core): Promise<string> {
  const job = await requireJob(id, core);
  const now = core.clock.now();
  if (isJson) return jsonLines([jobJson(job, now)]);
  const { rate, estimatedEnd } = progressOf(job, now);
  return [
    outcomeOf(job),
    ...fields({
      name: job.name,
      kind: job.kind,
      division: job.division,
      options: job.options,
      select: job.selection,
      input: job.inputName,
      rows: String(job.total),
      'rows per second': rate === undefined ? undefined : String(rate),
      'estimated end': estimatedEnd,
      'submitted by': JSON.parse(job.createdBy).name,
      'runs for': JSON.parse(job.runsFor).name,
      submitted: timeText(job.createdAt),
      started: job.startedAt === null ? null : timeText(job.startedAt),
      ended: job.finishedAt === null ? null : timeText(job.finishedAt),
    }),
  ].join('\n');
}

function changeCommand(run: RunWithCore, change: JobChange, description: string): Command {
  return new Command(change)
    .argument('<id>')
    .description(description)
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  gatehouse job ${change} 0198a7c2-…`)
    .action((id: string, { json }: { json?: true }) =>
      run(async (core) => {
        const job = await changeJob({ id, change, actor: person() }, core);
        return json ? jsonLines([jobJson(job, core.clock.now())]) : outcomeOf(job);
      }),
    );
}

function deleteCommand(run: RunWithCore): Command {
  return new Command('delete')
    .argument('<id>')
    .description('delete a job that has ended, with its rows, results and keys; what it did stays done')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse job delete 0198a7c2-…')
    .action((id: string, { json }: { json?: true }) =>
      run(async (core) => {
        await deleteJob({ id, actor: person() }, core);
        if (json) return jsonLines([{ id, deleted: true }]);
        return `job ${id} is deleted; the gateway removes its rows`;
      }),
    );
}

function kindsCommand(run: RunWithCore): Command {
  return new Command('kinds')
    .description('the kinds of jobs, and the columns of their files')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse job kinds')
    .action(({ json }: { json?: true }) =>
      run(async (core) => {
        const kinds = [...createJobKinds(core).values()];
        if (json) {
          return jsonLines(
            kinds.map(({ name, summary, permission, columns, resultColumns }) => ({
              name,
              summary,
              permission,
              columns,
              resultColumns,
            })),
          );
        }
        return kinds
          .map((kind) =>
            [
              `${kind.name}: ${kind.summary}`,
              `  header: ${columnNames(kind).join(',')}`,
              ...kind.columns.map(
                ({ name, isRequired, isList, meaning }) =>
                  `    ${name}${isRequired ? ' (required)' : ''}${isList ? ' (several, separated by spaces)' : ''}: ${meaning}`,
              ),
              `  results: ${kind.resultColumns.join(',')}`,
            ].join('\n'),
          )
          .join('\n\n');
      }),
    );
}
