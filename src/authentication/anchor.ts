/** Authentication CAs as the credentials that they are to whoever chains to them. */
import type { AuthenticationAnchor } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { UsedCredential } from '../policy/identity.js';
import { compileAddresses } from './allowed-addresses.js';

interface AnchorUse {
  readonly at: Date;
  readonly remoteAddress: string;
  /** What messages call it. */
  readonly what: string;
}

/** @throws GatewayError `untrusted-signer` where it counts for nobody at this time, or at this address */
export function describeAnchor(anchor: AuthenticationAnchor, { at, remoteAddress, what }: AnchorUse): UsedCredential {
  if ((anchor.notBefore && at < anchor.notBefore) || (anchor.notAfter && at > anchor.notAfter)) {
    throw new GatewayError('untrusted-signer', `${what} does not authenticate requests at this time`);
  }
  if (anchor.allowedAddresses && !compileAddresses(anchor.allowedAddresses)(remoteAddress)) {
    throw new GatewayError('untrusted-signer', `${what} does not authenticate requests from this address`);
  }
  return {
    id: anchor.credentialId,
    kind: 'authentication-ca',
    name: anchor.name,
    ...(anchor.registeredValues ? { registeredValues: anchor.registeredValues } : {}),
  };
}
