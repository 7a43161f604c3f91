/** `gatehouse job watch`: how far a job is, until it stops. */
import { Command } from 'commander';
import { requireJob } from '../jobs/require-job.js';
import type { Core } from '../open-core.js';
import { jobJson, outcomeOf, progressLine } from './describe-job.js';
import { createProgress } from './progress.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption, printNote } from './table.js';

const lookMilliseconds = 500;

/** A gateway takes a job up within a second, and one that another gateway has left after ten. */
const looksWithoutGateway = 30;

export function watchJobCommand(run: RunWithCore): Command {
  return new Command('watch')
    .argument('<id>')
    .description('watch a job with its rate and the time that is left, until it is finished, cancelled or paused')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  gatehouse job watch 0198a7c2-…')
    .action((id: string, { json }: { json?: true }) => run((core) => watchJob(id, json ?? false, core)));
}

/** Returns what it came to. A job goes on while nobody watches. */
export async function watchJob(id: string, isJson: boolean, core: Core): Promise<string> {
  const progress = createProgress();
  try {
    for (let looks = 1; ; looks++) {
      const job = await requireJob(id, core);
      const now = core.clock.now();
      if (!['loading', 'ready', 'running'].includes(job.state)) {
        return isJson ? jsonLines([jobJson(job, now)]) : outcomeOf(job);
      }
      if (looks === looksWithoutGateway && job.state === 'ready') {
        printNote('no gateway has taken it up yet: is one running from this data directory? gatehouse serve starts it');
      }
      progress.show(progressLine(job, now));
      await new Promise((resolve) => setTimeout(resolve, lookMilliseconds));
    }
  } finally {
    progress.end();
  }
}
