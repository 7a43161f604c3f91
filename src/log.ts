/** Structured logging. Secrets are redacted by key name, wherever a log call forgot to leave them out. */
import { type DestinationStream, pino } from 'pino';

export type Log = pino.Logger;

const secretKeys = ['password', 'passcode', 'secret', 'authorization', 'privateKey', 'pkcs8', 'hmacKey', 'key'];

/** JSON lines on standard output, or on `destination`. Levels are pino's; `silent` for none. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
