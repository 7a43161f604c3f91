/** The gateway's side of the thread that writes to SQLite. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SqliteSettings } from './sqlite-connection.js';
import { createPacker } from './sqlite-message.js';
import type { WriterRequest, WriterResponse } from './sqlite-writer-thread.js';
import type { Outcomes, WriteBatch } from './writer.js';

export interface SqliteWriter {
  readonly writeBatch: WriteBatch;
  /** Whether the thread has ended unasked, of a lack of memory perhaps: it will write nothing any more. */
  hasFailed(): boolean;
  /** Ends the thread. No batch may be under way. */
  close(): Promise<void>;
}

/** Resolves when the thread has opened the database. @throws what kept it from that */
export async function startSqliteWriter(settings: SqliteSettings): Promise<SqliteWriter> {
  const worker = new Worker(new URL('./sqlite-writer-thread.js', import.meta.url), { workerData: settings });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await Promise.race([once(worker, 'message'), exited.then(() => Promise.reject(gone()))]);

  const pack = createPacker();
  let pending: Pending | undefined;
  let failure: unknown;
  worker.on('message', (response: WriterResponse) => {
    if (response !== 'ready') {
      take()?.resolve(response);
    }
  });
  worker.on('error', (error) => {
    failure = error;
  });
  worker.on('exit', () => {
    failure ??= gone();
    take()?.reject(failure);
  });

  function take(): Pending | undefined {
    const taken = pending;
    pending = undefined;
    return taken;
  }

  return {
    hasFailed: () => failure !== undefined,
    writeBatch: (batch) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        pending = { resolve, reject };
        send(worker, pack(batch));
      }),
    async close() {
      if (failure === undefined) send(worker, 'close');
      await exited;
    },
  };
}

/**
 * A writer that outlives its thread: the batch under way when it ends is refused, and the next one starts another.
 * What of the refused batch was committed nobody knows; its retransmissions find it.
 */
export async function startLastingWriter(start: () => Promise<SqliteWriter>): Promise<SqliteWriter> {
  let writer = await start();
  return {
    hasFailed: () => writer.hasFailed(),
    writeBatch: async (batch) => {
      if (writer.hasFailed()) writer = await start();
      return await writer.writeBatch(batch);
    },
    close: () => writer.close(),
  };
}

interface Pending {
  resolve(outcomes: Outcomes): void;
  reject(error: unknown): void;
}

function send(worker: Worker, request: WriterRequest): void {
  worker.postMessage(request);
}

function gone(): Error {
  return new Error('the thread that writes to the database has ended');
}
