/** What the policy says of requests in general. */
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** Whether the policy is open, to this kind of requester and maker of keys. */
export function checkPolicy({ facts: { policy, usage }, identity, requested, isGatewayMadeKey }: Draft): Verdict {
  // Service certificates skip what is asked of devices: nobody but the gateway gets one.
  if ((usage === 'service') !== (identity.requester === 'gateway')) {
    return denied('forbidden', 'service certificates are for the gateway itself, and it has no others');
  }
  if (!policy.enabled) return denied('forbidden', `policy ${policy.name} is disabled`);
  const maker = isGatewayMadeKey ? 'gateway' : 'device';
  if (maker === 'device' && requested.subjectPublicKeyInfo === undefined) {
    return denied('malformed-request', 'the request has no public key');
  }
  if (!policy.keyGeneration.includes(maker)) {
    return denied('forbidden', `policy ${policy.name} does not take keys made by the ${maker}`);
  }
  return ok(`policy ${policy.name}, usage ${usage}, key made by the ${maker}`);
}
