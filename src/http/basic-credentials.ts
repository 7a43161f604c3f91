/** The Basic authentication scheme (RFC 7617), with its UTF-8 encoding. */

export interface BasicCredentials {
  /** May be empty (RFC 7030 3.2.3). */
  readonly username: string;
  readonly password: string;
}

/**
 * Parses an `Authorization` header. Undefined when there is none, it names another scheme, or it is malformed:
 * none of these is a valid credential, and RFC 9110 11.6.2 has the same answer for them all.
 */
export function parseBasicCredentials(header: string | undefined): BasicCredentials | undefined {
  if (header === undefined || header.length > maximumHeaderLength) return undefined;
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = decodeUtf8(Buffer.from(encoded, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  // RFC 7617 2: neither part may contain control characters.
  if (text === undefined || colon < 0 || /\p{Cc}/u.test(text)) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The value of a `WWW-Authenticate` header that asks for these credentials; `realm` without quotes or backslashes. */
export function basicChallenge(realm: string): string {
  return `Basic realm="${realm}", charset="UTF-8"`;
}

// Two parts of 255 characters of up to four octets, in base64, come to some 2,700.
const maximumHeaderLength = 3000;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
