/** How an enrollment moves its device: registered just in time, provisioned by a bootstrap, operational by its own certificate. */
import type { DeviceState } from '../model/device.js';
import type { Facts } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

interface DeviceMove {
  readonly id: string;
  readonly facts: Facts;
  readonly identity: Identity;
  readonly now: Date;
}

/** The writes that leave the device in its new state, and that refuse the change if it is not as it was read. */
export function deviceStatements(
  { id, facts, identity, now }: DeviceMove,
  { devices }: Pick<Store, 'devices'>,
): Statement[] {
  const { device } = facts;
  const state = stateAfter(facts);
  const at = now.getTime();
  if (device === undefined) {
    const identifiers = Object.assign(
      {},
      ...identity.credentials.map((credential) => credential.registeredValues?.identifiers),
    );
    return [
      devices.insert({
        id,
        division: facts.policy.division,
        name: facts.deviceName ?? id,
        groupName: facts.group.name,
        state,
        identifiers: JSON.stringify(identifiers),
        attributes: '{}',
        createdAt: at,
        updatedAt: at,
      }),
    ];
  }
  const touched =
    facts.policy.duplicates === 'allow'
      ? []
      : [devices.touch({ id, seenAt: device.updatedAt, at: Math.max(at, device.updatedAt + 1) })];
  const moved =
    state === device.state
      ? devices.requireState({ id, state })
      : devices.setState({ id, from: device.state, to: state, at });
  return [...touched, moved];
}

function stateAfter({ device, usage }: Facts): DeviceState {
  if (usage !== 'bootstrap') return 'operational';
  return device?.state === 'operational' ? 'operational' : 'provisioned';
}
