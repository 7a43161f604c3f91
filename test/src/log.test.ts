import { describe, expect, it } from '@jest/globals';
import { createLog } from '../../src/log.js';

function logged(write: (log: ReturnType<typeof createLog>) => void, level = 'info'): Record<string, unknown>[] {
  const lines: string[] = [];
  write(createLog(level, { write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line));
}

describe('the log', () => {
  it('has one JSON object a line, with level, time and message', () => {
    expect(logged((log) => log.info({ requestId: 'r-1' }, 'request'))).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), requestId: 'r-1', msg: 'request' },
    ]);
  });

  it('leaves out what is below its level, and everything when silent', () => {
    expect(logged((log) => log.debug('x'))).toEqual([]);
    expect(logged((log) => log.fatal('x'), 'silent')).toEqual([]);
  });

  it.each(['password', 'passcode', 'secret', 'authorization', 'privateKey', 'pkcs8', 'hmacKey', 'key'])(
    'redacts %s at three depths',
    (name) => {
      const value = 'hunter2';
      const [line] = logged((log) => log.info({ [name]: value, a: { [name]: value, b: { [name]: value } } }, 'x'));
      expect(line).toMatchObject({ [name]: '[redacted]', a: { [name]: '[redacted]', b: { [name]: '[redacted]' } } });
      expect(JSON.stringify(line)).not.toContain(value);
    },
  );

  it('tells errors with their causes', () => {
    const [line] = logged((log) => log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'x'));
    expect(JSON.stringify(line)).toMatch(/outer.*inner/);
  });
});
