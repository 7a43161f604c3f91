/** The `Content-Type` header (RFC 9110 8.3.1). */

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly type: string;
  /** By lower-case name; values as sent, without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parses the header; undefined when it is absent or no media type. Of a repeated parameter the first one counts. */
export function parseMediaType(header: string | undefined): MediaType | undefined {
  if (header === undefined || header.length > maximumHeaderLength) return undefined;
  const type = /^[ \t]*([!#$%&'*+\-.^_`|~0-9a-z]+\/[!#$%&'*+\-.^_`|~0-9a-z]+)[ \t]*(?:;|$)/i.exec(header);
  if (type?.[1] === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token] of header.slice(type[0].length).matchAll(parameterPattern)) {
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
  }
  return { type: type[1].toLowerCase(), parameters };
}

const maximumHeaderLength = 1000;
const parameterPattern = /([!#$%&'*+\-.^_`|~0-9a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gi;
