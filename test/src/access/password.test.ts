import { describe, expect, it } from '@jest/globals';
import { hashPassword, isPassword, passwordSchema } from '../../../src/access/password.js';
import { cpuTimeOf } from '../../support/cpu-time.js';

/** Of another cost than those of today. */
const cheap = `scrypt$4$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

describe('A password', () => {
  it('is kept as scrypt with its parameters and a salt of its own', async () => {
    const [first, second] = [await hashPassword('correct horse battery'), await hashPassword('correct horse battery')];
    expect(first).toMatch(/^scrypt\$15\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    expect(first).not.toBe(second);
    expect(await isPassword('correct horse battery', first)).toBe(true);
    expect(await isPassword('correct horse batterz', first)).toBe(false);
  });

  it('is the same however its letters are composed', async () => {
    const record = await hashPassword('J\u00fcrgen und Anna');
    expect(await isPassword('Ju\u0308rgen und Anna', record)).toBe(true);
  });

  it('costs as much work where there is none to compare with', async () => {
    const record = await hashPassword('correct horse battery');
    const known = await cpuTimeOf(() => isPassword('a wrong password', record));
    const unknown = await cpuTimeOf(() => isPassword('a wrong password', null));
    expect(await isPassword('a wrong password', null)).toBe(false);
    expect(unknown).toBeGreaterThan(known / 3);
    expect(unknown).toBeLessThan(known * 3);
  });

  it('is checked two at a time, with a queue that ends', async () => {
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => isPassword('guess guess guess', cheap)));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(40 - 2 - 32);
    expect(refused[0]).toMatchObject({ reason: { code: 'unavailable', retryAfterSeconds: 5 } });
    // The places are free again.
    expect(await isPassword('guess guess guess', cheap)).toBe(false);
  });

  it.each([
    ['short', 'eleven char'],
    ['long', 'x'.repeat(256)],
    ['with a line end', 'correct horse\nbattery'],
  ])('is refused when %s', (_, text) => {
    expect(passwordSchema.safeParse(text).success).toBe(false);
  });
});
