/** The queue before the one writer: changes that come while a batch is being committed make the next batch. */
import { type ErrorCode, GatewayError, OvertakenError } from '../errors.js';
import type { AuditRecord, Bindable, Change, Statement } from './change.js';
import { isBindable, notBindable } from './query.js';

/** Why a change was not applied. Plain data, for it may travel between threads. */
export interface Refusal {
  readonly code: ErrorCode;
  /** For the log. */
  readonly cause: string;
  /** A statement refused it, for what it found; otherwise the database failed. */
  readonly isGuard?: true;
}

/** One per change, in order; undefined for a change that is durable now. */
export type Outcomes = readonly (Refusal | undefined)[];

/** Commits one batch after the other. Rejects if the writer is gone. */
export type WriteBatch = (batch: readonly Change[]) => Promise<Outcomes>;

export interface WriterQueue {
  /** @throws GatewayError as in `Store.commit` */
  commit(change: Change): Promise<void>;
  /** Takes no more changes, and resolves when those that wait are done. */
  drain(): Promise<void>;
}

export function createWriterQueue(writeBatch: WriteBatch, maximumWaiting: number): WriterQueue {
  const waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let closed = false;

  async function run(): Promise<void> {
    // Until the end of the event loop's turn, so that requests that came together are written together.
    for (await endOfTurn(); waiting.length > 0; await endOfTurn()) {
      const batch = waiting.splice(0, maximumBatch);
      try {
        settle(batch, await writeBatch(batch.map(({ change }) => change)));
      } catch (error) {
        for (const { reject } of batch) {
          reject(toError('unavailable', error));
        }
      }
    }
    running = undefined;
  }

  return {
    commit: (change) =>
      new Promise((resolve, reject) => {
        if (closed || waiting.length >= maximumWaiting) {
          reject(toError('unavailable', closed ? 'the store is closed' : `${waiting.length} changes are waiting`));
          return;
        }
        waiting.push({ change: readyToTravel(change), resolve, reject });
        running ??= run();
      }),
    async drain() {
      closed = true;
      await running;
    },
  };
}

interface Waiting {
  readonly change: Change;
  resolve(): void;
  reject(error: GatewayError): void;
}

const maximumBatch = 256;

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function settle(batch: readonly Waiting[], outcomes: Outcomes): void {
  batch.forEach(({ resolve, reject }, index) => {
    const refusal = outcomes[index];
    if (refusal === undefined) {
      resolve();
    } else {
      reject(
        refusal.isGuard && refusal.code === 'unavailable'
          ? new OvertakenError({ cause: refusal.cause })
          : toError(refusal.code, refusal.cause),
      );
    }
  });
}

/** Checks what the change binds, at the caller, and detaches it from buffers that it only uses a part of. */
function readyToTravel({ statements, audit }: Change): Change {
  for (const record of audit) {
    checkAuditRecord(record);
  }
  return { statements: statements.map(checkStatement), audit };
}

function checkStatement(statement: Statement): Statement {
  const { sql, parameters } = statement;
  const wrong = parameters.findIndex((parameter) => !isBindable(parameter));
  if (wrong !== -1) {
    throw notBindable(parameters[wrong], `parameter ${wrong + 1} of ${sql}`);
  }
  return parameters.some(isSlice) ? { ...statement, parameters: parameters.map(detach) } : statement;
}

// A message to the thread carries the whole buffer that a slice belongs to.
function isSlice(value: Bindable): boolean {
  return typeof value === 'object' && value !== null && value.byteLength !== value.buffer.byteLength;
}

function detach(value: Bindable): Bindable {
  return typeof value === 'object' && value !== null ? new Uint8Array(value) : value;
}

function checkAuditRecord({ id, at, action, outcome, subject, device = '', content }: AuditRecord): void {
  const texts = [id, action, outcome, subject, device, content];
  if (!texts.every((text) => typeof text === 'string') || !Number.isSafeInteger(at) || !content.startsWith('{')) {
    throw toError(
      'internal',
      `the audit record ${JSON.stringify({ id, at, action, outcome, subject, device })} is malformed`,
    );
  }
}

function toError(code: ErrorCode, cause: unknown): GatewayError {
  const message = messages.get(code) ?? 'the request does not fit the present state of the gateway';
  return new GatewayError(code, message, {
    cause: typeof cause === 'string' ? new Error(cause) : cause,
    ...(code === 'unavailable' ? { retryAfterSeconds: 5 } : {}),
  });
}

const messages: ReadonlyMap<ErrorCode, string> = new Map([
  ['bad-secret', 'the credential is not valid, or it is used up'],
  ['already-revoked', 'the certificate is already revoked'],
  ['duplicate-transaction', 'there is a transaction of this identifier already'],
  ['not-found', 'there is no such object'],
  ['unavailable', 'the gateway cannot record the request now; try again later'],
  ['internal', 'the request could not be recorded'],
]);
