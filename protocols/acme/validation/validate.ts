/** Validation of challenges that are answered over the network (RFC 8555 8, RFC 8737, RFC 8738). */
import type { AcmeIdentifier } from '../../../src/model/acme.js';
import type { OutboundClient } from '../../../src/outbound/outbound-client.js';
import type { PolicyView } from '../../../src/protocol.js';

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

/**
 * Makes one attempt.
 * @throws AcmeError `connection`, `dns`, `tls`, `incorrectResponse`, `unauthorized`, `caa` or `rejectedIdentifier`, whose message
 * says what was seen where
 */
export type Validate = (task: ValidationTask) => Promise<void>;

export function createValidate(_outbound: OutboundClient): Validate {
  return async () => {
    throw new Error('not built yet');
  };
}
