/** Applies batches of changes to an SQLite connection: each change all or nothing, one commit and one fsync for all. */
import type { ErrorCode } from '../errors.js';
import { type ChainHead, chainStart, nextHead } from './audit-chain.js';
import type { Change } from './change.js';
import { createStatementCache, type SqliteConnection, sqliteErrorCode } from './sqlite-connection.js';
import type { Outcomes, Refusal } from './writer.js';

/** The returned function never throws. */
export function createApplier(connection: SqliteConnection): (batch: readonly Change[]) => Outcomes {
  const prepared = createStatementCache(connection);
  const begin = connection.prepare('begin immediate');
  const commit = connection.prepare('commit');
  const rollback = connection.prepare('rollback');
  const savepoint = connection.prepare('savepoint change');
  const release = connection.prepare('release change');
  const rollbackToSavepoint = connection.prepare('rollback to change');
  const appendEvent = connection.prepare(
    'insert into audit_event(sequence, id, at, action, outcome, subject, device, content, hash) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const lastEvent = connection.prepare<[], ChainHead>(
    'select sequence, hash from audit_event order by sequence desc limit 1',
  );

  /** Runs `work` in a transaction, with the chain's head as it is then: another process may have written since. */
  function transaction<Result>(work: (head: ChainHead) => Result): Result {
    begin.run();
    try {
      const result = work(lastEvent.get() ?? chainStart);
      commit.run();
      return result;
    } catch (error) {
      // Some failures (a full disk, an I/O error) have rolled back already.
      if (connection.inTransaction) {
        rollback.run();
      }
      throw error;
    }
  }

  /** Returns the chain's new head. @throws Refused, SqliteError */
  function applyChange({ statements, audit }: Change, head: ChainHead): ChainHead {
    for (const { sql, parameters, rows, otherwise } of statements) {
      const { changes } = prepared(sql).run(...parameters);
      if (rows !== undefined && changes !== rows) {
        throw new Refused(otherwise ?? 'internal', `changed ${changes} rows instead of ${rows}: ${sql}`);
      }
    }
    let last = head;
    for (const { id, at, action, outcome, subject, device, content } of audit) {
      last = nextHead(last, content);
      appendEvent.run(last.sequence, id, at, action, outcome, subject, device ?? null, content, last.hash);
    }
    return last;
  }

  /** Nearly every batch has nothing to refuse and is spared the savepoints. */
  function applyAll(batch: readonly Change[]): Outcomes {
    return transaction((first) => {
      let head = first;
      return batch.map((change) => {
        head = applyChange(change, head);
        return undefined;
      });
    });
  }

  function applyEach(batch: readonly Change[]): Outcomes {
    return transaction((first) => {
      let head = first;
      return batch.map((change) => {
        savepoint.run();
        try {
          head = applyChange(change, head);
          release.run();
          return undefined;
        } catch (error) {
          const refusal = refusalOf(error);
          if (refusal === undefined) {
            throw error;
          }
          rollbackToSavepoint.run();
          release.run();
          return refusal;
        }
      });
    });
  }

  return (batch) => {
    try {
      return applyAll(batch);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) {
        return batch.map(() => unavailable(error));
      }
      if (batch.length === 1) {
        return [refusal];
      }
    }
    try {
      return applyEach(batch);
    } catch (error) {
      return batch.map(() => unavailable(error));
    }
  };
}

class Refused extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Errors that are the fault of one change; every other one (locked, full, I/O, corrupt) is the database's. */
function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refused) {
    return { code: error.code, cause: error.message, isGuard: true };
  }
  const code = sqliteErrorCode(error);
  if (code === undefined || faultsOfAChange.test(code)) {
    return { code: 'internal', cause: String(error) };
  }
  return undefined;
}

const faultsOfAChange = /^SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)(?:_|$)/;

function unavailable(error: unknown): Refusal {
  return { code: 'unavailable', cause: `${sqliteErrorCode(error) ?? 'error'}: ${String(error)}` };
}
