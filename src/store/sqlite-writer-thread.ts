/** The thread that has the one connection that writes. It answers each batch with its outcomes, and 'close' by ending. */
import { parentPort, workerData } from 'node:worker_threads';
import { createApplier } from './sqlite-apply.js';
import { openForWriting, type SqliteSettings } from './sqlite-connection.js';
import { createUnpacker, type PackedBatch } from './sqlite-message.js';
import type { Outcomes } from './writer.js';

/** To the thread. */
export type WriterRequest = PackedBatch | 'close';

/** From the thread; 'ready' once, first. */
export type WriterResponse = Outcomes | 'ready';

const port = parentPort;
if (port === null) {
  throw new Error('this is a worker thread');
}
const settings: SqliteSettings = workerData;
const connection = openForWriting(settings);
const apply = createApplier(connection);
const unpack = createUnpacker();

port.on('message', (request: WriterRequest) => {
  if (request === 'close') {
    connection.close();
    port.close();
    return;
  }
  respond(apply(unpack(request)));
});
respond('ready');

function respond(response: WriterResponse): void {
  port?.postMessage(response);
}
