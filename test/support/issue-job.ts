/** Jobs that issue certificates, row by row, without the engine that hands rows out. */
import type { z } from 'zod';
import type { Actor } from '../../src/audit/actor.js';
import { GatewayError } from '../../src/errors.js';
import { createIdentifier } from '../../src/identifier.js';
import { openJobKeys } from '../../src/jobs/archive/job-keys.js';
import type { PreparedJob, RowResult } from '../../src/jobs/job-kind.js';
import { createIssueCertificates } from '../../src/jobs/kinds/issue-certificates.js';
import type { JobState } from '../../src/model/job.js';
import type { Core } from '../../src/open-core.js';
import type { Statement } from '../../src/store/change.js';

type Kind = ReturnType<typeof createIssueCertificates>;
export type IssueOptions = z.input<Kind['options']>;
export type Row = z.input<Kind['row']>;

/** Without `code`: it was done. */
export interface RowOutcome {
  readonly code?: string;
  readonly reason?: string;
}

export const operator: Actor = { name: 'user alice', person: 'user:alice', remoteAddress: '192.0.2.7' };

/** No user of the store: a gateway's runner would pause what runs for nobody. */
const runsFor: Actor = { name: 'command line (test)', person: 'command line:test' };

/** Submits a job as the engine does, and performs its rows. */
export async function runIssueJob(
  core: Core,
  options: IssueOptions,
  rows: readonly Row[],
): Promise<{ readonly id: string; readonly outcomes: readonly RowOutcome[] }> {
  const job = await submitIssueJob(core, options, rows.length);
  const outcomes: RowOutcome[] = [];
  for (let from = 0; from < rows.length; from += atOnce) {
    const some = rows.slice(from, from + atOnce).map((row, index) => job.perform(from + index + 1, row));
    outcomes.push(...(await Promise.all(some)));
  }
  await job.end();
  return { id: job.id, outcomes };
}

const atOnce = 32;

export interface SubmittedJob {
  readonly id: string;
  perform(row: number, input: Row): Promise<RowOutcome>;
  end(state?: JobState): Promise<void>;
}

export async function submitIssueJob(core: Core, given: IssueOptions, rows: number): Promise<SubmittedJob> {
  const kind = createIssueCertificates(core);
  const parsed = kind.options.parse(given);
  const division = kind.divisionOf(parsed);
  const id = createIdentifier();
  const prepared: PreparedJob<typeof parsed> = (await kind.prepare?.(parsed, { jobId: id })) ?? { options: parsed };
  const { options, archive, sealedJobKey } = prepared;
  const inserted: Statement[] = [
    {
      sql: `insert into job (id, kind, division, state, starts_by_itself, created_at, options, created_by, runs_for, archive,
        sealed_job_key) values (?, 'issue-certificates', ?, 'running', 1, ?, ?, ?, ?, ?, ?)`,
      parameters: [
        id,
        division,
        core.clock.now().getTime(),
        JSON.stringify(options),
        JSON.stringify(operator),
        JSON.stringify(runsFor),
        archive ?? null,
        sealedJobKey ?? null,
      ],
    },
  ];
  for (let row = 1; row <= rows; row++) {
    const sql = `insert into job_row (job_id, row, state, input) values (?, ?, 'waiting', '{}')`;
    inserted.push({ sql, parameters: [id, row] });
  }
  await core.store.commit({ statements: inserted, audit: [] });
  const keys = sealedJobKey === undefined ? undefined : openJobKeys(id, sealedJobKey, core.sealing);

  const done = (row: number, { values, certificate, privateKey }: RowResult): Statement[] => [
    {
      sql: `update job_row set state = 'done', result = ?, certificate = ?, sealed_key = ?
        where job_id = ? and row = ? and state = 'waiting'`,
      parameters: [
        JSON.stringify(values),
        certificate ?? null,
        privateKey === undefined ? null : (keys?.sealRowKey(row, privateKey) ?? null),
        id,
        row,
      ],
      rows: 1,
      otherwise: 'invalid-state',
    },
  ];
  return {
    id,
    perform: async (row, input) => {
      const context = {
        jobId: id,
        row,
        division,
        options,
        actor: operator,
        done: (result: RowResult) => done(row, result),
      };
      try {
        await kind.perform(kind.row.parse(input), context);
        return {};
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        return { code: error.code, reason: error.message };
      }
    },
    end: async (state = 'finished') =>
      await core.store.commit({
        statements: [
          {
            sql: 'update job set state = ?, finished_at = ? where id = ?',
            parameters: [state, core.clock.now().getTime(), id],
          },
        ],
        audit: [],
      }),
  };
}
