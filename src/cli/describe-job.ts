/** Jobs as commands show them. */
import { type JobProgress, progressOf } from '../jobs/progress.js';
import type { JobOverview } from '../store/job-record.js';
import { timeText } from './table.js';

/** For programs. */
export function jobJson(job: JobOverview, now: Date): object {
  const { id, kind, division, name, state, problem, options, selection } = job;
  const { createdBy, runsFor, createdAt, startedAt, finishedAt } = job;
  return {
    id,
    kind,
    division,
    name,
    state,
    problem,
    options: JSON.parse(options),
    select: selection === null ? null : JSON.parse(selection),
    input: job.inputName,
    ...progressOf(job, now),
    createdBy: JSON.parse(createdBy).name,
    runsFor: JSON.parse(runsFor).name,
    createdAt: timeText(createdAt),
    startedAt: startedAt === null ? null : timeText(startedAt),
    finishedAt: finishedAt === null ? null : timeText(finishedAt),
  };
}

const barWidth = 30;

/** One line that tells how far it is, for a terminal. */
export function progressLine({ state, ...job }: JobOverview, now: Date): string {
  const progress = progressOf({ state, ...job }, now);
  const { total, done, failed } = progress;
  const share = total === 0 ? 0 : (done + failed) / total;
  const filled = Math.floor(share * barWidth);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
  const parts = [`${Math.floor(share * 100)} %`, `${done + failed} of ${total}`, ...rateOf(progress, now)];
  if (failed > 0) parts.push(`${failed} failed`);
  return `${state} ${bar} ${parts.join(' · ')}`;
}

/** What it came to, in a sentence. */
export function outcomeOf({ id, state, problem, total, done, failed }: JobOverview): string {
  const left = total - done - failed;
  const counts = [`${done} done`, `${failed} failed`, ...(left > 0 ? [`${left} not done`] : [])].join(', ');
  const hint = failed > 0 ? `; gatehouse job failures ${id} has them with the reasons` : '';
  return `job ${id} is ${state}${problem === null ? '' : ` (${problem})`}: ${counts}${hint}`;
}

function rateOf({ rate, estimatedEnd }: JobProgress, now: Date): string[] {
  if (rate === undefined) return [];
  if (estimatedEnd === undefined) return [`${rate}/s`];
  return [`${rate}/s`, `${durationText((Date.parse(estimatedEnd) - now.getTime()) / 1000)} left`];
}

function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
