/** What the methods of validation share: who is asked, through what, and for how long. */
import { isIP } from 'node:net';
import type { AcmeIdentifier } from '../../../src/model/acme.js';
import type { OutboundClient } from '../../../src/outbound/outbound-client.js';
import { OutboundError } from '../../../src/outbound/outbound-error.js';
import type { PolicyView } from '../../../src/policy-view.js';
import { AcmeError } from '../problem.js';
import type { Names } from './names.js';

export interface ValidationTask {
  readonly challenge: 'http-01' | 'dns-01' | 'tls-alpn-01';
  /** `dns` without the `*.` of a wildcard, or `ip`. */
  readonly identifier: AcmeIdentifier;
  readonly isWildcard: boolean;
  readonly token: string;
  readonly keyAuthorization: string;
  /** For CAA's accounturi (RFC 8657). */
  readonly accountUrl: string;
  readonly settings: PolicyView['acme'];
}

export interface Attempt {
  readonly task: ValidationTask;
  readonly outbound: OutboundClient;
  readonly names: Names;
  /** Milliseconds that the next connection may take. @throws AcmeError `connection` when the attempt's time is over */
  readonly timeLeft: () => number;
}

/** What the guarded client is told of every connection. `host` is a name or an address, without brackets. */
export async function connectionTo(host: string, { task, names, timeLeft }: Attempt) {
  const { allowedNetworks, deniedNetworks } = task.settings;
  // RFC 8738 4: an address is where it says, and no name server is asked.
  const addresses = isIP(host) === 0 ? await names.addresses(host) : [host];
  return {
    addresses,
    networks: { allowed: allowedNetworks, denied: deniedNetworks },
    timeoutMilliseconds: timeLeft(),
  };
}

/** What the client is told when a connection came to nothing: never which addresses a name has in the gateway's network. */
export function connectionProblem(error: unknown, target: string, advice: string): unknown {
  if (!(error instanceof OutboundError)) return error;
  const { reason, message } = error;
  if (reason === 'denied-address') {
    const detail = `${target} is in no network that validation may reach; have the policy allow it, or use a challenge that does not connect there`;
    return new AcmeError('rejectedIdentifier', detail, { cause: error });
  }
  return new AcmeError(reason === 'tls' ? 'tls' : 'connection', `${message}; ${advice}`, { cause: error });
}
