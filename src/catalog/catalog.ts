/** The read-mostly configuration as one immutable snapshot, swapped as a whole when it changes. */
import { type AuthenticationPolicy, authenticationPolicySchema } from '../model/authentication-policy.js';
import type { CertificateAuthorityConfig } from '../model/certificate-authority.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { Division } from '../model/division.js';
import type { Policy, ProfileUsage } from '../model/policy.js';
import { methodsOfOperators } from '../model/protocol-name.js';
import type { RegisteredValues } from '../model/registered-values.js';
import type { CompiledProfile } from '../policy/compile-profile.js';

/** An authentication CA: certificates that chain to it authenticate their holders. */
export interface AuthenticationAnchor {
  readonly credentialId: string;
  readonly name: string;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly allowedAddresses?: readonly string[];
  readonly registeredValues?: RegisteredValues;
}

export interface ResolvedAuthenticationPolicy {
  readonly policy: AuthenticationPolicy;
  readonly anchors: readonly AuthenticationAnchor[];
  /** Whether it has passcodes: what decides between a 401 with a challenge and a 403. */
  readonly hasPasscodes: boolean;
  /** Names of the policies that it opens, be it for some of their groups only. */
  readonly opens: ReadonlySet<string>;
}

export interface ResolvedPolicy {
  readonly policy: Policy;
  /** {@link noAuthentication} where it has no authentication policy. */
  readonly authentication: ResolvedAuthenticationPolicy;
  readonly profiles: ReadonlyMap<ProfileUsage, CompiledProfile>;
}

export interface Catalog {
  readonly version: number;
  readonly divisions: ReadonlyMap<string, Division>;
  readonly groups: ReadonlyMap<string, DeviceGroup>;
  readonly templates: ReadonlyMap<string, CertificateTemplate>;
  readonly profiles: ReadonlyMap<string, CompiledProfile>;
  readonly authenticationPolicies: ReadonlyMap<string, ResolvedAuthenticationPolicy>;
  readonly policies: ReadonlyMap<string, ResolvedPolicy>;
  /** The policies as groups with an authentication policy of their own have them, by the label `<policy>~<group>`. */
  readonly policiesOfGroups: ReadonlyMap<string, ResolvedPolicy>;
  readonly defaultPolicy?: ResolvedPolicy;
  readonly certificateAuthorities: ReadonlyMap<string, CertificateAuthorityConfig>;
}

/** No configured one can have this name. */
const nameOfNone = '.none';

/** What policies have that only people and programs with rights of their own may use: no credential opens it. */
export const noAuthentication: ResolvedAuthenticationPolicy = {
  policy: {
    ...authenticationPolicySchema.omit({ credentials: true }).parse({
      name: 'none',
      division: 'none',
      methods: [...methodsOfOperators],
      acceptIssuedCertificates: false,
    }),
    name: nameOfNone,
    division: nameOfNone,
  },
  anchors: [],
  hasPasscodes: false,
  opens: new Set(),
};
