/** Who acts: what the audit log tells of a person, or of a program on somebody's behalf, that changes something. */

export interface Actor {
  /** For people to read, such as `user alice`, `API key fleet-platform` or `command line (root)`. */
  readonly name: string;
  /** Whom it stands for, where two have to be different: an API key of a user is that user. */
  readonly person: string;
  /** The id of the API key that it has authenticated with: not in audit events, which name the key. */
  readonly apiKey?: string;
  /** Absent on the command line. */
  readonly remoteAddress?: string;
  /** What the client saw as X-Request-Id. */
  readonly requestId?: string;
  /** The id of the job that does it on the submitter's behalf. */
  readonly job?: string;
}

/** For the details of an audit event. */
export function byActor({ name, remoteAddress, requestId, job }: Actor): Readonly<Record<string, unknown>> {
  return {
    actor: name,
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(job === undefined ? {} : { job }),
  };
}
