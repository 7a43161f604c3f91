/** `gatehouse job results` and `gatehouse job failures`: files that are written while they are read. */
import { createWriteStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { requireKind } from '../jobs/create-job.js';
import { createJobKinds } from '../jobs/job-kinds.js';
import { requireJob } from '../jobs/require-job.js';
import { failureLines, type ResultFormat, resultLines } from '../jobs/results.js';
import type { RunWithCore } from './run-with-core.js';

interface FileOptions {
  readonly output?: string;
}

export function jobResultsCommand(run: RunWithCore): Command {
  return fileCommand('results')
    .description('all rows of a job, with what each ended with')
    .addOption(new Option('--format <format>', 'of the file').choices(['csv', 'jsonl']).default('csv'))
    .action((id: string, { output, format }: FileOptions & { readonly format: ResultFormat }) =>
      run(async (core) => {
        const job = await requireJob(id, core);
        await write(resultLines(job, format, requireKind(job.kind, createJobKinds(core)), core), output);
        return '';
      }),
    );
}

export function jobFailuresCommand(run: RunWithCore): Command {
  return fileCommand('failures')
    .description(
      'the failed rows of a job in the form of its input, with the reasons: correct them, and submit them again',
    )
    .action((id: string, { output }: FileOptions) =>
      run(async (core) => {
        const job = await requireJob(id, core);
        await write(failureLines(job, requireKind(job.kind, createJobKinds(core)), core), output);
        return '';
      }),
    );
}

function fileCommand(name: 'results' | 'failures'): Command {
  return new Command(name)
    .argument('<id>')
    .option('-o, --output <file>', 'where to; standard output if not given')
    .addHelpText('after', `\nExample:\n  gatehouse job ${name} 0198a7c2-… -o ${name}.csv`);
}

async function write(lines: AsyncIterable<string>, output: string | undefined): Promise<void> {
  const target: Writable = output === undefined ? process.stdout : createWriteStream(output, { mode: 0o600 });
  await pipeline(Readable.from(lines), target, { end: output !== undefined });
}
