/** What a kind of job does with each of its rows. The engine reads the rows, hands them out and keeps their results. */
import type { z } from 'zod';
import type { Actor } from '../audit/actor.js';
import type { Permission } from '../model/access.js';
import type { JobKindName } from '../model/job.js';
import type { Statement } from '../store/change.js';

/** What a row ended with. */
export interface RowResult {
  /** Columns of the results file, after the row's own ones: such as `device`, `serialNumber`, `notAfter`. No secrets. */
  readonly values: Readonly<Record<string, string>>;
  /** DER of the certificate that was issued, for the archive. */
  readonly certificate?: Uint8Array;
  /** DER PKCS #8 of a key that the gateway has made: the engine seals it under the job's key before it is kept. */
  readonly privateKey?: Uint8Array;
}

export interface RowContext<Options> {
  readonly jobId: string;
  /** 1 for the first. */
  readonly row: number;
  readonly division: string;
  readonly options: Options;
  /** On whose behalf the job runs; what it may is checked while it does. */
  readonly actor: Actor;
  /**
   * The writes that keep the row's result and count it. They MUST be in the commit that does the row's work, and in no other:
   * they refuse the change (`invalid-state`) when the row is not waiting any more, so that no row is done twice.
   */
  done(result: RowResult): readonly Statement[];
}

/** What is kept of a job that was submitted, before it has rows. */
export interface PreparedJob<Options> {
  /** As the rows see them, and as they are stored and shown: without the secrets that were given. */
  readonly options: Options;
  /** JSON text: how the keys in its archive are protected. */
  readonly archive?: string;
  /** The key that the keys of its rows are sealed under, itself sealed: `openJobKeys` in archive/job-keys.ts opens it. */
  readonly sealedJobKey?: Uint8Array;
}

export interface Column {
  readonly name: string;
  readonly isRequired?: boolean;
  readonly isList?: boolean;
  readonly meaning: string;
}

export interface JobKind<
  Options extends z.ZodType = z.ZodType,
  Row extends z.ZodType = z.ZodType,
  Selection extends z.ZodType = z.ZodType,
> {
  readonly name: JobKindName;
  /** A few words, for people. */
  readonly summary: string;
  /** Needed, beside job:write, in the division that the job works in. */
  readonly permission: Permission;
  /** Strict, without transforms. What is given once for all rows. */
  readonly options: Options;
  /** A strict object, without transforms. A row as JSON Lines have it. Kept as it was read, until the job is deleted: no secrets. */
  readonly row: Row;
  /**
   * The columns of a CSV file: a cell goes to the member of this name. `identifier.<name>` and `attribute.<name>` go into the
   * maps `identifiers` and `attributes` where the row has them. Empty cells are absent; lists are separated by spaces.
   */
  readonly columns: readonly Column[];
  /** The columns that results have. */
  readonly resultColumns: readonly string[];
  /** Where rows can be made from what is on record, in place of a file: when the job runs, from what there is then. */
  readonly selection?: {
    /** Strict, without transforms. */
    readonly schema: Selection;
    /** When it is submitted. @throws HttpError 422 for what it names and the division has not got */
    check?(selection: z.output<Selection>, division: string): void;
    /** Rows as JSON Lines have them, of the division alone. */
    rows(selection: z.output<Selection>, division: string): AsyncIterable<Readonly<Record<string, unknown>>>;
  };
  /**
   * Which division the job works in, when it is submitted; what the options name has to exist.
   * @throws GatewayError `not-found` for what they name and is not there, others for options that fit nothing
   */
  divisionOf(options: z.output<Options>): string;
  /**
   * Called once, when a job is submitted by somebody who may: what it answers is stored in place of what was given.
   * @throws GatewayError for what `divisionOf` does not look at
   */
  prepare?(options: z.output<Options>, job: { readonly jobId: string }): Promise<PreparedJob<z.output<Options>>>;
  /**
   * Does a row's work, and commits it with `context.done(…)`.
   * @throws GatewayError when the row is refused: the engine keeps code and reason as its result
   */
  perform(row: z.output<Row>, context: RowContext<z.output<Options>>): Promise<void>;
}

export type JobKinds = ReadonlyMap<JobKindName, JobKind>;
