import { describe, expect, it } from '@jest/globals';
import { selectionOf } from '../../../src/cli/select-certificates.js';

const now = new Date('2026-01-01T00:00:00Z');

describe('a selection of certificates', () => {
  it('ends at a time, or a duration from now, so that the same command can run every day', () => {
    const expiresBefore = '2026-01-31T00:00:00.000Z';
    expect(selectionOf({ expiresBefore: '30d' }, now)).toEqual({ expiresBefore });
    expect(selectionOf({ expiresBefore: '2026-01-31T00:00:00Z' }, now)).toEqual({ expiresBefore });
    expect(() => selectionOf({ expiresBefore: 'soon' }, now)).toThrow('soon is not a time');
  });

  it('is none where no condition is given', () => {
    expect(selectionOf({}, now)).toBeUndefined();
  });
});
