/** Which of a policy's profiles applies to a requester. */
import { GatewayError } from '../errors.js';
import type { Policy, ProfileUsage } from '../model/policy.js';
import type { Method } from '../model/protocol-name.js';
import type { CompiledProfile } from './compile-profile.js';
import type { PresentedIssuedCertificate } from './identity.js';

interface PolicyWithProfiles {
  readonly policy: Policy;
  readonly profiles: ReadonlyMap<ProfileUsage, CompiledProfile>;
}

/** What the requester has said of the certificate that it wants. */
interface Choice {
  /** The name of one of the profiles that it may have. */
  readonly profileHint?: string;
  /** What the certificate is for. */
  readonly usage?: ProfileUsage;
  /** ACME makes no CA certificates: what it proves says nothing of who may have one. */
  readonly protocol?: Method;
}

/** What authenticated the request, as far as it matters here. */
interface Holder {
  readonly issuedCertificate?: Pick<PresentedIssuedCertificate, 'usage'>;
}

interface SelectedProfile {
  readonly usage: ProfileUsage;
  readonly profile: CompiledProfile;
}

/**
 * Selects by what authenticated the request. A certificate issued here gets its successor: after bootstrap the
 * operational one, else the same usage again. Any other credential gets the first that the policy has of bootstrap,
 * operational, intermediate. The requester may choose among those that it may have.
 * @throws GatewayError `forbidden` when the policy has no such profile, `rejected-profile` when it is not that of the hint
 */
export function selectProfile(
  { issuedCertificate }: Holder,
  { policy, profiles }: PolicyWithProfiles,
  { profileHint: hint, usage: wanted, protocol }: Choice = {},
): SelectedProfile {
  const candidates = issuedCertificate === undefined ? entryUsages : (successors.get(issuedCertificate.usage) ?? []);
  for (const usage of candidates) {
    if (protocol === 'acme' && usage === 'intermediate') continue;
    const profile = wanted === undefined || usage === wanted ? profiles.get(usage) : undefined;
    if (profile !== undefined && (hint === undefined || profile.name === hint)) return { usage, profile };
  }
  if (hint !== undefined) {
    throw new GatewayError('rejected-profile', `policy ${policy.name} has no profile of this name for this requester`);
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
