import { describe, expect, it } from '@jest/globals';
import { createSlots } from '../../../protocols/acme/slots.js';

describe('work that is bounded', () => {
  it('is done so much at once, in order, and its failures make room as well', async () => {
    const slots = createSlots(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const works = Array.from({ length: 5 }, (_, i) =>
      slots.run('a', async () => {
        begun.push(i);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (i === 0) throw new Error('failed');
        return i;
      }),
    );
    const outcomes = Promise.allSettled(works);
    expect(begun).toEqual([0, 1]);
    while (begun.length < 5) {
      const count = begun.length;
      ends[count - 2]?.();
      while (begun.length === count) await new Promise((resolve) => setImmediate(resolve));
      expect(begun).toHaveLength(count + 1);
    }
    for (const end of ends) end();
    expect(await outcomes).toMatchObject([
      { status: 'rejected' },
      { value: 1 },
      { value: 2 },
      { value: 3 },
      { value: 4 },
    ]);
    expect(await slots.run('a', async () => 'free')).toBe('free');
  });

  it('is done for one client after another', async () => {
    const slots = createSlots(1);
    const done: string[] = [];
    let begin = () => {};
    const blocked = slots.run('many', () => new Promise<void>((resolve) => (begin = resolve)));
    const works = ['many', 'many', 'many', 'few', 'other'].map((client) =>
      slots.run(client, async () => {
        done.push(client);
      }),
    );
    begin();
    await Promise.all([blocked, ...works]);
    expect(done).toEqual(['many', 'few', 'other', 'many', 'many']);
  });

  it('is too much of a client when as much of it waits as is done at once', () => {
    const slots = createSlots(2);
    for (let i = 0; i < 3; i++) void slots.run('many', () => new Promise(() => {}));
    expect(slots.isBusy('many')).toBe(false);
    void slots.run('many', () => new Promise(() => {}));
    expect([slots.isBusy('many'), slots.isBusy('few')]).toEqual([true, false]);
  });
});
