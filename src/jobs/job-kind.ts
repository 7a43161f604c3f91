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
  readonly options: Options;
  /** Who has submitted the job; what it may was checked then. */
  readonly actor: Actor;
  /**
   * The writes that keep the row's result and count it. They MUST be in the commit that does the row's work, and in no other:
   * they refuse the change (`invalid-state`) when the row is not waiting any more, so that no row is done twice.
   */
  done(result: RowResult): readonly Statement[];
}

export interface JobKind<Options extends z.ZodType = z.ZodType, Row extends z.ZodType = z.ZodType> {
  readonly name: JobKindName;
  /** Needed, beside job:write, in the division that the job works in. */
  readonly permission: Permission;
  /** Strict. What is given once for all rows. */
  readonly options: Options;
  /** Strict. A row as JSON Lines have it. Kept as it was read, until the job is deleted: no secrets. */
  readonly row: Row;
  /**
   * The columns of a CSV file: a cell goes to the member of this name. `identifier.<name>` and `attribute.<name>` go into the
   * maps `identifiers` and `attributes` where the row has them. Empty cells are absent; lists are separated by spaces.
   */
  readonly columns: readonly {
    readonly name: string;
    readonly isRequired?: boolean;
    readonly isList?: boolean;
    readonly meaning: string;
  }[];
  /** The columns that results have. */
  readonly resultColumns: readonly string[];
  /**
   * Which division the job works in, when it is submitted; what the options name has to exist.
   * @throws GatewayError for options that fit nothing
   */
  divisionOf(options: z.output<Options>): string;
  /**
   * Does a row's work, and commits it with `context.done(…)`.
   * @throws GatewayError when the row is refused: the engine keeps code and reason as its result
   */
  perform(row: z.output<Row>, context: RowContext<z.output<Options>>): Promise<void>;
}
