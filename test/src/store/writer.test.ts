import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../../src/store/change.js';
import { createWriterQueue, type Outcomes } from '../../../src/store/writer.js';
import { auditRecord } from './temporary-store.js';

const change = (id: string): Change => ({ statements: [], audit: [auditRecord(id)] });

describe('the queue before the writer', () => {
  it('makes one batch of what comes together, and the next one of what came meanwhile', async () => {
    const batches: string[][] = [];
    let finish: (() => void) | undefined;
    const queue = createWriterQueue(async (batch) => {
      batches.push(batch.map(({ audit }) => audit[0]?.id ?? ''));
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return batch.map(() => undefined);
    }, 100);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const first = [queue.commit(change('a')), queue.commit(change('b'))];
    await turn();
    const second = [queue.commit(change('c')), queue.commit(change('d'))];
    await turn();
    expect(batches).toEqual([['a', 'b']]);
    finish?.();
    await Promise.all(first);
    await turn();
    await turn();
    expect(batches).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    finish?.();
    await Promise.all(second);
  });

  it('gives unavailable for the batch whose writer fails, and serves the next one', async () => {
    let fails = true;
    const queue = createWriterQueue(async (batch): Promise<Outcomes> => {
      if (fails) {
        throw new Error('the connection is gone');
      }
      return batch.map(() => undefined);
    }, 100);
    await expect(queue.commit(change('a'))).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 5,
      cause: { message: 'the connection is gone' },
    });
    fails = false;
    await queue.commit(change('b'));
  });

  it('tells each change its own outcome', async () => {
    const queue = createWriterQueue(
      async (batch) => batch.map((_, index) => (index === 1 ? { code: 'bad-secret', cause: 'why' } : undefined)),
      100,
    );
    const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => queue.commit(change(id))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'bad-secret', cause: { message: 'why' } } });
  });
});
