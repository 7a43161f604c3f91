/** Structured logging. Secrets are redacted by key name, wherever a log call forgot to leave them out. */
import { type DestinationStream, destination, pino } from 'pino';
import { GatewayError } from './errors.js';

export type Log = pino.Logger;

/**
 * Standard output, written in portions: a system call for every line would cost a busy gateway more than making the line.
 * A process that is killed loses a tenth of a second of lines; what must not be lost is in the audit log.
 */
export function standardOutput(): DestinationStream {
  const output = destination({ fd: 1, sync: true, minLength: 4096, periodicFlush: 100 });
  process.once('exit', () => output.flushSync());
  return output;
}

/** JSON lines on standard output, or on `destination`. Levels are pino's; `silent` for none. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (entry) => redact(entry, 1) },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** A refusal in words, for a refusal is no fault of the gateway's: nobody wants its stack. */
export function describeRefusal(refusal: unknown): Record<string, unknown> {
  if (!(refusal instanceof GatewayError)) return { reason: String(refusal) };
  const { code, message: reason, cause } = refusal;
  return { code, reason, ...(cause === undefined ? {} : { cause: cause instanceof Error ? cause.message : cause }) };
}

const secretKeys: ReadonlySet<string> = new Set([
  'password',
  'passcode',
  'passphrase',
  'pin',
  'kek',
  'secret',
  'authorization',
  'privateKey',
  'pkcs8',
  'hmacKey',
  'key',
]);
const deepest = 3;

/** Pino's own redaction costs 25 µs a line, whatever is in it; nearly every line has nothing to hide, and is not copied. */
function redact(entry: Record<string, unknown>, depth: number): Record<string, unknown> {
  let clean = entry;
  for (const name of Object.keys(entry)) {
    const value = entry[name];
    const safe = secretKeys.has(name)
      ? '[redacted]'
      : isPlain(value) && depth < deepest
        ? redact(value, depth + 1)
        : value;
    if (safe === value) continue;
    if (clean === entry) clean = { ...entry };
    clean[name] = safe;
  }
  return clean;
}

/** Errors and the like are left to their serializers. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
