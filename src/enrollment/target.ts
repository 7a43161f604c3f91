/** What a label of an enrollment URL aims at: a policy, and the group that new devices join. */
import type { Catalog, ResolvedPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import { formatLabel, parseLabel } from '../model/label.js';
import type { Method } from '../model/protocol-name.js';

export interface EnrollmentTarget {
  readonly resolved: ResolvedPolicy;
  readonly group: DeviceGroup;
  /** The label named the group, so that only its devices may enroll here. */
  readonly isGroupNamed: boolean;
}

/** @throws GatewayError `not-found` for a label that names nothing that can be enrolled with. */
export function findTarget(catalog: Catalog, label: string | undefined): EnrollmentTarget {
  const { policy: name, group: groupName } =
    label === undefined ? { policy: catalog.defaultPolicy?.policy.name } : parseLabel(label);
  const resolved = name === undefined ? undefined : catalog.policies.get(name);
  if (resolved === undefined) throw new GatewayError('not-found', 'no policy has this label');
  const { policy } = resolved;
  const group = catalog.groups.get(groupName ?? policy.defaultGroup);
  const isNamed = groupName !== undefined;
  if (
    group === undefined ||
    (isNamed && (group.division !== policy.division || !group.policies.includes(policy.name)))
  ) {
    throw new GatewayError('not-found', 'no device group with this policy has this label');
  }
  const ofGroup = isNamed ? catalog.policiesOfGroups.get(formatLabel(policy.name, group.name)) : undefined;
  return { resolved: ofGroup ?? resolved, group, isGroupNamed: isNamed };
}

/** @throws GatewayError `forbidden` when the policy is switched off or not open to the method. */
export function requireMethod({ policy, authentication }: ResolvedPolicy, method: Method): void {
  if (!policy.enabled) throw new GatewayError('forbidden', `policy ${policy.name} is disabled`);
  if (!policy.methods.includes(method))
    throw new GatewayError('forbidden', `policy ${policy.name} is not open to ${method}`);
  if (!authentication.policy.methods.includes(method)) {
    throw new GatewayError('forbidden', `authentication policy ${authentication.policy.name} is not open to ${method}`);
  }
}
