/** What a resource answers, before the headers that every answer has. */

export interface Answer {
  readonly status: number;
  /** The JSON of the body; an empty body if absent. */
  readonly json?: unknown;
  /** A body that is no JSON. */
  readonly content?: { readonly type: string; readonly body: string | Uint8Array };
  /** URL of the resource that was made or found. */
  readonly location?: string;
  /** Values of Link headers, besides that to the directory. */
  readonly links?: readonly string[];
  /** Seconds. */
  readonly retryAfter?: number;
  /** For how many seconds anybody may keep the answer; absent: nobody may. */
  readonly maxAge?: number;
}

/** The value of a Link header (RFC 8288). */
export function link(url: string, relation: string): string {
  return `<${url}>;rel="${relation}"`;
}
