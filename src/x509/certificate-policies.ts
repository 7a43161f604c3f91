/**
 * Certificate policies along a path (RFC 5280 6.1 with the valid_policy_graph of RFC 9618, which grows with the input's size and
 * no faster). Qualifiers are not collected.
 */

import type { Certificate } from './certificate.js';
import { extension } from './certificate.js';
import { DerError, DerReader, Tag } from './der.js';
import { decodeCertificatePolicies } from './location-extensions.js';
import {
  anyPolicy,
  idCeCertificatePolicies,
  idCeInhibitAnyPolicy,
  idCePolicyConstraints,
  idCePolicyMappings,
} from './oids.js';

/** The policy inputs of RFC 5280 6.1.1; each defaults to asking for nothing. */
export interface PolicyInputs {
  /** Dotted OIDs of the user-initial-policy-set; undefined is any-policy. */
  readonly initialPolicySet?: readonly string[];
  readonly requireExplicitPolicy?: boolean;
  readonly inhibitPolicyMapping?: boolean;
  readonly inhibitAnyPolicy?: boolean;
}

/** Follows the policies from the trust anchor down. `enter` and `leave` return what is wrong, undefined when nothing is. */
export interface PolicyProcessing {
  /** 6.1.3 (d)-(f), for every certificate. */
  enter(certificate: Certificate, isSelfIssued: boolean, isLast: boolean): string | undefined;
  /** 6.1.4 (a), (b), (h)-(j), for every certificate but the last. */
  leave(certificate: Certificate, isSelfIssued: boolean): string | undefined;
  /** 6.1.5 (a), (b), (g): the user-constrained-policy-set, or undefined when a policy is required and none is left. */
  finish(certificate: Certificate): readonly string[] | undefined;
}

/** `length` is the number of certificates without the trust anchor. */
export function createPolicyProcessing(length: number, inputs: PolicyInputs): PolicyProcessing {
  let explicitPolicy = inputs.requireExplicitPolicy ? 0 : length + 1;
  let policyMapping = inputs.inhibitPolicyMapping ? 0 : length + 1;
  let inhibitAny = inputs.inhibitAnyPolicy ? 0 : length + 1;
  /** The graph's depths from 0; an empty last one is the graph that is NULL. */
  const depths: Depth[] = [new Map([[anyPolicy, { policy: anyPolicy, expected: [anyPolicy], parents: [] }]])];
  let current: Depth = depths[0] ?? new Map();

  return {
    enter(certificate, isSelfIssued, isLast) {
      const value = extension(certificate, idCeCertificatePolicies);
      const mayUseAny = inhibitAny > 0 || (!isLast && isSelfIssued);
      current = value ? nextDepth(current, new Set(decodeCertificatePolicies(value)), mayUseAny) : new Map();
      depths.push(current);
      return explicitPolicy === 0 && current.size === 0 ? 'no certificate policy is valid up to here' : undefined;
    },

    leave(certificate, isSelfIssued) {
      const mappings = decodeMappings(extension(certificate, idCePolicyMappings));
      if (mappings.has(anyPolicy) || [...mappings.values()].some((policies) => policies.includes(anyPolicy))) {
        return 'anyPolicy is mapped';
      }
      for (const [policy, mapped] of mappings) applyMapping(current, policy, policyMapping > 0 ? mapped : undefined);
      if (!isSelfIssued) {
        explicitPolicy = Math.max(0, explicitPolicy - 1);
        policyMapping = Math.max(0, policyMapping - 1);
        inhibitAny = Math.max(0, inhibitAny - 1);
      }
      const constraints = decodePolicyConstraints(extension(certificate, idCePolicyConstraints));
      explicitPolicy = Math.min(explicitPolicy, constraints.requireExplicitPolicy ?? explicitPolicy);
      policyMapping = Math.min(policyMapping, constraints.inhibitPolicyMapping ?? policyMapping);
      const skipCerts = extension(certificate, idCeInhibitAnyPolicy);
      if (skipCerts)
        inhibitAny = Math.min(
          inhibitAny,
          DerReader.decode(skipCerts, (r) => r.smallInteger()),
        );
      return undefined;
    },

    finish(certificate) {
      explicitPolicy = Math.max(0, explicitPolicy - 1);
      const constraints = decodePolicyConstraints(extension(certificate, idCePolicyConstraints));
      if (constraints.requireExplicitPolicy === 0) explicitPolicy = 0;
      const policies = userConstrainedPolicies(authorityConstrainedPolicies(depths), inputs.initialPolicySet);
      return explicitPolicy > 0 || policies.length > 0 ? policies : undefined;
    },
  };
}

interface PolicyNode {
  readonly policy: string;
  expected: readonly string[];
  readonly parents: readonly PolicyNode[];
}

/** At most one node per policy (RFC 9618 5.2). Nodes that have lost their children stay: nothing can reach them any more. */
type Depth = Map<string, PolicyNode>;

function nextDepth(above: Depth, policies: ReadonlySet<string>, mayUseAny: boolean): Depth {
  const expecting = new Map<string, PolicyNode[]>();
  for (const node of above.values()) {
    for (const policy of node.expected) {
      const parents = expecting.get(policy);
      if (parents) parents.push(node);
      else expecting.set(policy, [node]);
    }
  }
  const next: Depth = new Map();
  const anyAbove = above.get(anyPolicy);
  for (const policy of policies) {
    if (policy === anyPolicy) continue;
    const parents = expecting.get(policy) ?? (anyAbove && [anyAbove]);
    if (parents) next.set(policy, { policy, expected: [policy], parents });
  }
  if (!policies.has(anyPolicy) || !mayUseAny) return next;
  for (const [policy, parents] of expecting) {
    if (!next.has(policy)) next.set(policy, { policy, expected: [policy], parents });
  }
  return next;
}

/** RFC 9618 5.4; no `mapped` where mapping is inhibited. */
function applyMapping(depth: Depth, policy: string, mapped: readonly string[] | undefined): void {
  if (!mapped) {
    depth.delete(policy);
    return;
  }
  const node = depth.get(policy);
  const any = depth.get(anyPolicy);
  if (node) node.expected = mapped;
  else if (any) depth.set(policy, { policy, expected: mapped, parents: any.parents });
}

/** RFC 9618 5.5 (1)-(4): the policies that the anchor's side began with and that reach the last certificate. */
function authorityConstrainedPolicies(depths: readonly Depth[]): Set<string> {
  const policies = new Set<string>();
  let level: Iterable<PolicyNode> = depths.at(-1)?.values() ?? [];
  if (depths.at(-1)?.has(anyPolicy)) policies.add(anyPolicy);
  for (let depth = depths.length - 1; depth > 0; depth--) {
    const parents = new Set<PolicyNode>();
    for (const node of level) {
      if (node.policy !== anyPolicy && node.parents[0]?.policy === anyPolicy) policies.add(node.policy);
      for (const parent of node.parents) parents.add(parent);
    }
    level = parents;
  }
  return policies;
}

function userConstrainedPolicies(
  authority: ReadonlySet<string>,
  initial: readonly string[] | undefined,
): readonly string[] {
  if (!initial || initial.includes(anyPolicy)) return [...authority];
  return initial.filter((policy) => authority.has(policy) || authority.has(anyPolicy));
}

/** PolicyMappings (RFC 5280 4.2.1.5): issuerDomainPolicy to its subjectDomainPolicies. */
function decodeMappings(der: Uint8Array | undefined): ReadonlyMap<string, readonly string[]> {
  const mappings = new Map<string, string[]>();
  if (!der) return mappings;
  DerReader.decode(der, (r) =>
    r.each(Tag.sequence, (list) =>
      list.sequence((mapping) => {
        const issuerPolicy = mapping.oid();
        const subjectPolicy = mapping.oid();
        const known = mappings.get(issuerPolicy);
        if (known) known.push(subjectPolicy);
        else mappings.set(issuerPolicy, [subjectPolicy]);
      }),
    ),
  );
  if (mappings.size === 0) throw new DerError('empty policy mappings', 0);
  return mappings;
}

interface PolicyConstraints {
  readonly requireExplicitPolicy?: number | undefined;
  readonly inhibitPolicyMapping?: number | undefined;
}

function decodePolicyConstraints(der: Uint8Array | undefined): PolicyConstraints {
  if (!der) return {};
  return DerReader.decode(der, (r) =>
    r.sequence((c) => {
      if (!c.more) throw new DerError('empty policy constraints', c.offset);
      const read = (number: number) =>
        c.optional(Tag.contextPrimitive(number), (n) => n.smallInteger(Tag.contextPrimitive(number)));
      return { requireExplicitPolicy: read(0), inhibitPolicyMapping: read(1) };
    }),
  );
}
