/** The value of CAA's issue and issuewild properties (RFC 8659 4.2). */

export interface CaaIssuer {
  /** Lower case; empty where nobody is to issue. */
  readonly domain: string;
  /** Tags in lower case. */
  readonly parameters: readonly { readonly tag: string; readonly value: string }[];
}

/** Undefined for a malformed value, which lets nobody issue. */
export function parseCaaIssuer(text: string): CaaIssuer | undefined {
  const [domain = '', ...rest] = text.split(';').map((part) => part.trim());
  if (domain !== '' && !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i.test(domain)) return undefined;
  // A semicolon may end the domain name with no parameter behind it.
  const parameters = (rest.length === 1 && rest[0] === '' ? [] : rest).map(parseParameter);
  const parsed = parameters.filter((parameter) => parameter !== undefined);
  return parsed.length < parameters.length ? undefined : { domain: domain.toLowerCase(), parameters: parsed };
}

function parseParameter(text: string): { tag: string; value: string } | undefined {
  const equals = text.indexOf('=');
  if (equals < 0) return undefined;
  const tag = text.slice(0, equals).trim().toLowerCase();
  const value = text.slice(equals + 1).trim();
  // Printable, without blanks; semicolons are gone by now.
  return /^[a-z0-9-]+$/.test(tag) && /^[\x21-\x7e]*$/.test(value) ? { tag, value } : undefined;
}
