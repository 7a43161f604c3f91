/** Why an outbound request came to nothing. */

type OutboundFailure = 'bad-url' | 'denied-address' | 'unreachable' | 'tls' | 'timeout' | 'too-large';

/** `message` is a sentence for the log: it names host and port, never path or query, which may hold secrets. */
export class OutboundError extends Error {
  readonly reason: OutboundFailure;

  constructor(reason: OutboundFailure, message: string) {
    super(message);
    this.name = 'OutboundError';
    this.reason = reason;
  }
}

/** @param host with its port */
export function outboundFailure(reason: 'unreachable' | 'tls', host: string, error: unknown): OutboundError {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = reason === 'tls' ? 'no TLS connection with' : 'no answer from';
  return new OutboundError(reason, `${words} ${host}: ${code ?? message}`);
}
