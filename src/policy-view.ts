/** What protocols may know of a policy: its settings for them, and what requests under it have to be like. */
import type { KeyConstraints } from './model/key-constraints.js';
import type { Policy } from './model/policy.js';
import type { Method } from './model/protocol-name.js';

/** One attribute or name that a policy wants in requests, for `csrattrs` and its like. */
export interface WantedName {
  /** Attribute name or alternative-name type, as in the profile. */
  readonly name: string;
  readonly required: boolean;
  /** Given when the policy fixes it. */
  readonly value?: string;
}

/** What requests for certificates of one profile have to be like: what to tell clients, nothing to decide with. */
export interface RequestOutline {
  readonly keys: KeyConstraints;
  readonly requestHashes: readonly string[];
  readonly subject: readonly WantedName[];
  readonly subjectAltNames: readonly WantedName[];
  readonly extensions: readonly { readonly id: string; readonly required: boolean }[];
  /** Key usage names and extended key usage object identifiers that certificates will carry. */
  readonly keyUsages: readonly string[];
  readonly extendedKeyUsages: readonly string[];
  /** Whether they will be certificates of CAs. */
  readonly ca: boolean;
}

/** What a protocol may know of a policy, with the outline for who is not asked who it is. */
export interface PolicyView extends RequestOutline {
  readonly name: string;
  /** The protocols that it is open to: its own methods as far as its authentication policy has them too. */
  readonly methods: readonly Method[];
  readonly est: Policy['est'];
  readonly scep: Policy['scep'];
  readonly cmp: Policy['cmp'];
  readonly acme: Policy['acme'];
  /** The profiles that requesters may choose from who authenticate with no certificate; none is of CA certificates. */
  readonly profiles: readonly { readonly name: string; readonly description?: string }[];
  readonly acceptsPasswords: boolean;
  /** Over REST. */
  readonly acceptsApiKeys: boolean;
  /** Whether ACME accounts have to be bound to an external one (RFC 8555 7.3.4). */
  readonly needsExternalAccount: boolean;
  readonly changeSubjectName: boolean;
}
