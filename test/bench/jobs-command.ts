/** `npm run bench -- jobs` */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { jobWorks } from './job-work.js';
import { benchJob, type JobBench } from './jobs-bench.js';

interface JobsOptions {
  readonly kind: JobBench['kind'];
  readonly rows: number;
  readonly kill?: true;
  readonly data?: string;
}

export function addJobsCommand(program: Command): void {
  program
    .command('jobs')
    .description(
      'a job with many rows: rows per second, CPU of each, peak memory, its archive, and how long devices wait meanwhile',
    )
    .addOption(new Option('--kind <kind>', 'what the job does').choices(jobWorks).default('register'))
    .option('--rows <number>', 'how many', count, 100_000)
    .option('--kill', 'kill -9 in the middle, and another start; nothing may be lost or doubled')
    .option('--data <folder>', 'where the gateway keeps its data: the disk that commits are flushed to')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run bench -- jobs --kind register --rows 100000\n  npm run bench -- jobs --kind issue --rows 10000\n  npm run bench -- jobs --kind issue --rows 20000 --kill',
    )
    .action(runJobs);
}

async function runJobs({ kind, rows, kill, data = tmpdir() }: JobsOptions): Promise<void> {
  const directory = await mkdtemp(join(data, 'gatehouse-bench-'));
  try {
    console.log(await benchJob({ kind, rows, kills: kill ?? false, directory }));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000_000)
    throw new InvalidArgumentError('1 to 1000000 is needed');
  return value;
}
