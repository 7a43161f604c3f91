/** The query of a request: each parameter once, in strict percent-encoding. */
import { GatewayError, HttpError } from '../errors.js';

/** @param url as in the request line @throws GatewayError `malformed-request` */
export function readQuery(url: string): Readonly<Record<string, string>> {
  // Without a prototype, so that each name is one like any other.
  const query: Record<string, string> = Object.create(null);
  const mark = url.indexOf('?');
  if (mark < 0) return query;
  for (const part of url.slice(mark + 1).split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    if (name in query)
      throw new HttpError(400, 'malformed-request', 'a query parameter is there twice; give each once');
    query[name] = equals < 0 ? '' : decode(part.slice(equals + 1));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new GatewayError('malformed-request', 'the query is not percent-encoded UTF-8', { cause });
  }
}
