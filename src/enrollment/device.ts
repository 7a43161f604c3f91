/** How an enrollment moves its device: registered just in time, provisioned by a bootstrap, operational by its own certificate. */
import type { Device, DeviceState } from '../model/device.js';
import type { Facts } from '../policy/facts.js';
import type { Identity } from '../policy/identity.js';
import type { Statement } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
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
    return devices.register({
      id,
      division: facts.policy.division,
      name: facts.deviceName ?? id,
      groupName: facts.group.name,
      state,
      identifiers: JSON.stringify(identifiers),
      attributes: '{}',
      createdAt: at,
      updatedAt: at,
    });
  }
  // Its group, identifiers and attributes have been decided by as well as its state.
  const seen = { id, seenAt: device.updatedAt };
  if (state !== device.state) {
    return [devices.requireUnchanged(seen), devices.setState({ id, from: device.state, to: state, at })];
  }
  return [facts.policy.duplicates === 'allow' ? devices.requireUnchanged(seen) : devices.touch({ ...seen, at })];
}

/** A device as decisions see it. */
export function deviceOf({ groupName, identifiers, attributes, ...record }: DeviceRecord): Device {
  const { id, division, name, state, updatedAt } = record;
  return {
    id,
    division,
    name,
    group: groupName,
    state,
    identifiers: JSON.parse(identifiers),
    attributes: JSON.parse(attributes),
    updatedAt,
  };
}

function stateAfter({ device, usage }: Facts): DeviceState {
  if (usage !== 'bootstrap') return 'operational';
  return device?.state === 'operational' ? 'operational' : 'provisioned';
}
