import { describe, expect, it } from '@jest/globals';
import { fitForLog } from '../../src/fit-for-log.js';

describe('text of others in the log', () => {
  it.each([
    ['nothing is wrong', 'nothing is wrong'],
    ['Zertifikat für Gerät', 'Zertifikat für Gerät'],
    ['\u001b[2J\r\nfaked line', '?[2J??faked line'],
    ['abc\u202edcb\u2028\u0000', 'abc?dcb??'],
    ['x'.repeat(450_000), 'x'.repeat(200)],
  ])('is without what hides or reorders it, and short', (text, fit) => {
    expect(fitForLog(text)).toBe(fit);
  });
});
