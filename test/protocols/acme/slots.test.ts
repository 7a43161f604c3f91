import { describe, expect, it } from '@jest/globals';
import { createSlots } from '../../../protocols/acme/slots.js';

describe('work that is bounded', () => {
  it('is done so much at once, in order, and its failures make room as well', async () => {
    const slots = createSlots(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const works = Array.from({ length: 5 }, (_, i) =>
      slots.run(async () => {
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
    expect(await slots.run(async () => 'free')).toBe('free');
  });

  it('is too much when ten times as much waits', () => {
    const slots = createSlots(1);
    for (let i = 0; i < 10; i++) void slots.run(() => new Promise(() => {}));
    expect(slots.isBusy()).toBe(false);
    void slots.run(() => new Promise(() => {}));
    expect(slots.isBusy()).toBe(true);
  });
});
