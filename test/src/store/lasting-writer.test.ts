import { expect, it } from '@jest/globals';
import { type SqliteWriter, startLastingWriter } from '../../../src/store/sqlite-writer.js';

/** A writer that writes one batch and then dies of the next. */
function mortalWriter(): SqliteWriter {
  let batches = 0;
  return {
    hasFailed: () => batches > 1,
    writeBatch: async (batch) => {
      batches++;
      if (batches > 1) throw new Error('the thread has ended');
      return batch.map(() => undefined);
    },
    close: async () => undefined,
  };
}

it('a writer whose thread has ended refuses the batch under way and starts another for the next', async () => {
  let started = 0;
  const writer = await startLastingWriter(async () => {
    started++;
    return mortalWriter();
  });
  const batch = [{ statements: [], audit: [] }];
  expect(await writer.writeBatch(batch)).toEqual([undefined]);
  await expect(writer.writeBatch(batch)).rejects.toThrow('the thread has ended');
  expect(writer.hasFailed()).toBe(true);
  expect(started).toBe(1);
  expect(await writer.writeBatch(batch)).toEqual([undefined]);
  expect(writer.hasFailed()).toBe(false);
  expect(started).toBe(2);
});
