/** A job that this process works on: which row is next, and what becomes of each. */
import type { Actor } from '../audit/actor.js';
import { GatewayError, isRefusal, OvertakenError } from '../errors.js';
import type { Statement } from '../store/change.js';
import type { JobRecord } from '../store/job-record.js';
import { openJobKeys } from './archive/job-keys.js';
import { rowOfCells } from './input/row-cells.js';
import type { JobKind, RowContext, RowResult } from './job-kind.js';
import { pageOfRows } from './row-pages.js';
import type { JobServices } from './services.js';

export interface RunningJob {
  readonly record: JobRecord;
  /** Does the next row, if there is one that can be done now; the promise never rejects. */
  begin(): Promise<void> | undefined;
  /** Whether no row is left, and none under way. */
  isDone(): boolean;
  /** No further row is begun. */
  stop(): void;
}

interface RunningJobOptions {
  readonly record: JobRecord;
  readonly kind: JobKind;
  /** Called when there may be rows again for `begin`. */
  readonly onReady: () => void;
}

interface Row {
  readonly row: number;
  readonly input: string;
  /** How often it was tried before. */
  readonly attempts: number;
}

const rowsRead = 200;
/** When so many rows wait for another try, the gateway itself is in trouble, and the others wait too. */
const mostPostponed = 32;

/** @throws GatewayError 'internal' if the job's key cannot be opened */
export function createRunningJob({ record, kind, onReady }: RunningJobOptions, services: JobServices): RunningJob {
  const { store, log, clock } = services;
  const { id: jobId, division } = record;
  const options: unknown = JSON.parse(record.options);
  const responsible: Actor = JSON.parse(record.runsFor);
  const actor: Actor = { ...responsible, job: jobId };
  const { sealedJobKey } = record;
  const jobKeys = sealedJobKey === null ? undefined : openJobKeys(jobId, sealedJobKey, services.sealing);
  const timers = new Set<NodeJS.Timeout>();
  let next: Row[] = [];
  let lastRead = 0;
  let pageLength = rowsRead;
  let isReading = false;
  let isAtEnd = false;
  let underWay = 0;
  let isStopped = false;

  async function readOn(): Promise<void> {
    isReading = true;
    let isRead = false;
    try {
      const { rows, isLast } = await pageOfRows(
        { jobId, state: 'waiting', after: lastRead, limit: rowsRead },
        services,
      );
      isAtEnd = isLast;
      pageLength = rows.length;
      lastRead = rows.at(-1)?.row ?? lastRead;
      next = [...next, ...rows.map(({ row, input }) => ({ row, input, attempts: 0 }))];
      isRead = true;
    } catch (err) {
      // When jobs are looked at again, and not at once.
      log.warn({ err, job: jobId }, 'the rows of a job could not be read; it is tried again');
    }
    isReading = false;
    if (isRead && !isStopped) onReady();
  }

  function postpone(row: Row, error: unknown): void {
    if (isStopped) return;
    const attempts = row.attempts + 1;
    if (attempts % 10 === 0) log.warn({ err: error, job: jobId, row: row.row, attempts }, 'a row of a job waits');
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        next = [{ ...row, attempts }, ...next];
        onReady();
      },
      waitMilliseconds(error, attempts),
    );
    timers.add(timer);
  }

  async function perform(row: Row): Promise<void> {
    let isKept = false;
    const context: RowContext<unknown> = {
      jobId,
      row: row.row,
      division,
      options,
      actor,
      done(result) {
        isKept = true;
        return doneStatements(row.row, result);
      },
    };
    try {
      const input = JSON.parse(row.input);
      const given = record.inputFormat === 'csv' ? rowOfCells(input, kind) : input;
      await kind.perform(kind.row.parse(given), context);
      if (!isKept) throw new Error(`jobs of the kind ${kind.name} do not keep the result of a row`);
    } catch (error) {
      await settle(row, error);
    }
  }

  function doneStatements(row: number, { values, certificate, privateKey }: RowResult): readonly Statement[] {
    return [
      store.jobRows.complete({
        jobId,
        row,
        result: JSON.stringify(values),
        doneAt: clock.now().getTime(),
        certificate: certificate ?? null,
        sealedKey: privateKey === undefined ? null : sealed(row, privateKey),
      }),
      store.jobs.count({ id: jobId, total: 0, done: 1, failed: 0 }),
    ];
  }

  function sealed(row: number, privateKey: Uint8Array): Uint8Array {
    if (jobKeys === undefined) throw new Error(`job ${jobId} has no key to seal the keys of its rows under`);
    return jobKeys.sealRowKey(row, privateKey);
  }

  async function settle(row: Row, error: unknown): Promise<void> {
    if (isPassing(error)) {
      postpone(row, error);
      return;
    }
    const { code, message } = isRefusal(error) ? error : failure;
    if (!isRefusal(error)) log.error({ err: error, job: jobId, row: row.row }, 'a row of a job failed');
    try {
      await store.commit({
        statements: [
          store.jobRows.fail({ jobId, row: row.row, errorCode: code, reason: message, doneAt: clock.now().getTime() }),
          store.jobs.count({ id: jobId, total: 0, done: 0, failed: 1 }),
        ],
        audit: [],
      });
    } catch (refused) {
      // The row was done already: by an attempt whose answer was lost, or by whoever had the job before.
      if (!isRefusal(refused)) postpone(row, refused);
    }
  }

  return {
    record,
    begin() {
      if (isStopped) return undefined;
      if (next.length < pageLength / 4 && !isAtEnd && !isReading) void readOn();
      if (timers.size >= mostPostponed) return undefined;
      const row = next.shift();
      if (row === undefined) return undefined;
      underWay++;
      return perform(row).finally(() => {
        underWay--;
      });
    },
    isDone: () => isAtEnd && !isReading && next.length === 0 && timers.size === 0 && underWay === 0,
    stop() {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

const failure = {
  code: 'internal',
  message: 'it failed inside of the gateway, whose log says why',
} as const;

/** What another try may put right. */
function isPassing(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'unavailable' || error.code === 'rate-limited');
}

const longestWaitMilliseconds = 30_000;

function waitMilliseconds(error: unknown, attempts: number): number {
  const [first, told] =
    error instanceof OvertakenError
      ? [10, 0]
      : [250, error instanceof GatewayError ? (error.retryAfterSeconds ?? 0) : 0];
  const wait = Math.max(first * 2 ** Math.min(attempts, 12), told * 1000);
  return Math.min(wait, longestWaitMilliseconds) * (0.5 + Math.random() / 2);
}
