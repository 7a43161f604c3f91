import { describe, expect, it } from '@jest/globals';
import { countRows } from '../../../src/jobs/input/count-rows.js';
import { mostRows } from '../../../src/jobs/input/read-rows.js';

const refusal = new Error('too many');

/** Which row is refused, of as many as there are. */
function refusedOf(rows: number, most: number): number | undefined {
  const count = countRows(most, () => refusal);
  for (let row = 1; row <= rows; row++) {
    try {
      count();
    } catch (error) {
      expect(error).toBe(refusal);
      return row;
    }
  }
  return undefined;
}

describe('the rows of a job', () => {
  it.each([0, 1, 4, 5])('are as many as there are, up to their limit of 5: %d', (rows) => {
    expect(refusedOf(rows, 5)).toBeUndefined();
  });

  it.each([6, 7, 100])('are refused when there is one more than their limit of 5: %d', (rows) => {
    expect(refusedOf(rows, 5)).toBe(6);
  });

  it('are a million, and not one more', () => {
    expect(mostRows).toBe(1_000_000);
    expect(refusedOf(1_000_000, mostRows)).toBeUndefined();
    expect(refusedOf(1_000_001, mostRows)).toBe(1_000_001);
  });
});
