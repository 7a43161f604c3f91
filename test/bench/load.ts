/** A job, prepared: what its clients send. */

export interface Load {
  /** How many requests there are. */
  readonly requests: number;
  connect(): LoadClient;
  /** Ends what answers the server while the clients work. */
  close?(): void;
  /** Looks closely at some of the answers when the clock has stopped. @throws Error when one is wrong */
  check?(): void;
}

/** Sends one request after the other. */
export interface LoadClient {
  /** The request of this index. @throws Error when it is refused or wrongly answered */
  send(index: number): Promise<void>;
  close(): void;
}
