import { describe, expect, it } from '@jest/globals';
import { createMinuteCounter } from '../../src/minute-counter.js';

function createCounter() {
  let milliseconds = 1_000_000;
  const counter = createMinuteCounter({ now: () => new Date(milliseconds) });
  return {
    counter,
    wait: (more: number) => {
      milliseconds += more;
    },
  };
}

describe('minute counter', () => {
  it('counts by key, and begins anew a minute after the first event', () => {
    const { counter, wait } = createCounter();
    counter.add('a');
    wait(30_000);
    counter.add('a');
    counter.add('b');
    expect([counter.count('a'), counter.count('b'), counter.count('c')]).toEqual([2, 1, 0]);
    wait(29_999);
    expect(counter.count('a')).toBe(2);
    wait(1);
    expect([counter.count('a'), counter.count('b')]).toEqual([0, 1]);
  });

  it('counts several at once, and takes them back, but none that it has not counted', () => {
    const { counter, wait } = createCounter();
    counter.add('a', 20);
    counter.add('a');
    counter.remove('a', 5);
    counter.remove('b', 5);
    expect([counter.count('a'), counter.count('b')]).toEqual([16, 0]);
    wait(60_000);
    counter.add('a');
    counter.remove('a', 15);
    expect(counter.count('a')).toBe(0);
  });

  it('tells the whole seconds that are left, at least one', () => {
    const { counter, wait } = createCounter();
    counter.add('a');
    wait(100);
    expect(counter.secondsLeft('a')).toBe(60);
    wait(59_800);
    expect(counter.secondsLeft('a')).toBe(1);
    expect(counter.secondsLeft('unknown')).toBe(1);
  });

  it('forgets the oldest beyond a hundred thousand keys, so that addresses cannot fill the memory', () => {
    const { counter } = createCounter();
    for (let key = 0; key <= 100_000; key++) counter.add(String(key));
    expect([counter.count('0'), counter.count('1'), counter.count('100000')]).toEqual([0, 1, 1]);
  });
});
