/** Answers that are the same for everybody. */
import { entityTag, matchesEntityTag } from '../../src/http/entity-tag.js';
import type { Exchange, Reply } from '../../src/protocol.js';

interface CacheableBody {
  readonly contentType: string;
  readonly body: Uint8Array | string;
  /** Seconds. */
  readonly maximumAge: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body with what caches need to know. 304 where the client has it already (RFC 9110 15.4.5). */
export function cachedReply(
  { contentType, body, maximumAge, headers = {} }: CacheableBody,
  { headers: { 'if-none-match': known } }: Pick<Exchange, 'headers'>,
): Reply {
  const tag = entityTag(typeof body === 'string' ? Buffer.from(body) : body);
  const cached = { ...headers, ...cacheHeaders(tag, maximumAge) };
  if (matchesEntityTag(known, tag)) return { status: 304, headers: cached, body: '' };
  return { status: 200, headers: { 'Content-Type': contentType, ...cached }, body };
}

/** What caches need to know; `maximumAge` in seconds. */
export function cacheHeaders(tag: string, maximumAge: number): Record<string, string> {
  return { ETag: tag, 'Cache-Control': `public, max-age=${maximumAge}` };
}
