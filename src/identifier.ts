/** Identifiers of requests, devices and events. */
import { randomFillSync } from 'node:crypto';

/** Random bytes are drawn for many identifiers at once: a call for each would cost ten times as much. */
const pool = Buffer.alloc(16 * 128);
let used = pool.length;

/**
 * A UUID of version 7 (RFC 9562 5.7): identifiers that are made after each other sort after each other, which spares
 * the database's indexes most of the work that random ones are.
 */
export function createIdentifier(now = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + 16);
  used += 16;
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
