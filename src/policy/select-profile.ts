/** Which of a policy's profiles applies to a requester. */
import { GatewayError } from '../errors.js';
import type { Policy, ProfileUsage } from '../model/policy.js';
import type { CompiledProfile } from './compile-profile.js';
import type { Identity } from './identity.js';

interface PolicyWithProfiles {
  readonly policy: Policy;
  readonly profiles: ReadonlyMap<ProfileUsage, CompiledProfile>;
}

interface SelectedProfile {
  readonly usage: ProfileUsage;
  readonly profile: CompiledProfile;
}

/**
 * Selects by what authenticated the request. A certificate issued here gets its successor: after bootstrap the
 * operational one, else the same usage again. Any other credential gets the first that the policy has of bootstrap,
 * operational, intermediate.
 * @throws GatewayError `forbidden` when the policy has no such profile
 */
export function selectProfile(
  { issuedCertificate }: Identity,
  { policy, profiles }: PolicyWithProfiles,
): SelectedProfile {
  const candidates = issuedCertificate === undefined ? entryUsages : (successors.get(issuedCertificate.usage) ?? []);
  for (const usage of candidates) {
    const profile = profiles.get(usage);
    if (profile !== undefined) return { usage, profile };
  }
  const holder =
    issuedCertificate === undefined
      ? 'this requester'
      : `the holder of a certificate for ${issuedCertificate.usage} use`;
  throw new GatewayError('forbidden', `policy ${policy.name} has no profile for ${holder}`);
}

const entryUsages: readonly ProfileUsage[] = ['bootstrap', 'operational', 'intermediate'];
const successors: ReadonlyMap<string, readonly ProfileUsage[]> = new Map([
  // A policy for nothing but bootstrap certificates renews them.
  ['bootstrap', ['operational', 'bootstrap']],
  ['operational', ['operational']],
  ['intermediate', ['intermediate']],
]);
