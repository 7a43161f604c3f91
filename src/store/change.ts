/** A write as data: what `Store.commit` applies, all of it or nothing. */
import type { ErrorCode } from '../errors.js';

/** What both databases bind alike: text, whole numbers (also for yes and no: 1 and 0; times: epoch milliseconds), bytes. */
export type Bindable = string | number | null | Uint8Array;

/** What a statement must have changed; if it changed another number of rows, the whole change is refused with `otherwise`. */
export interface Expectation {
  readonly rows: number;
  readonly otherwise: ErrorCode;
}

/** One write, compiled beforehand, with its values. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Bindable[];
  readonly rows?: number;
  readonly otherwise?: ErrorCode;
}

/** What the audit log keeps of one event; the writer adds its sequence and its link to the event before it. */
export interface AuditRecord {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly action: string;
  readonly outcome: string;
  /** Whom or what it is about, to look it up by: a device's, certificate's or person's id; empty if there is none. */
  readonly subject: string;
  /** The id of the device that it is part of the history of. */
  readonly device?: string;
  /** A JSON object with everything about the event. Only this is protected by the chain, so it repeats the others. */
  readonly content: string;
}

/** Statements and audit records that are committed together. Statements run in their order; guards come first where they can. */
export interface Change {
  readonly statements: readonly Statement[];
  readonly audit: readonly AuditRecord[];
}
