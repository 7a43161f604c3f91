/** Changes what is known of a device, and takes devices off the record that were registered by mistake. */
import type { Actor } from '../audit/actor.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import { quote } from '../policy/safe-text.js';
import type { Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { Store } from '../store/store.js';
import { deviceEvent } from './device-event.js';
import { type Fields, fieldsJson, fieldsOf, requireFields } from './fields.js';
import { requireDevice, requireNotRetired } from './find-device.js';
import { unlessOvertaken } from './overtaken.js';

interface FieldsChange {
  /** As it was read: nothing else may have changed it since. */
  readonly device: DeviceRecord;
  readonly identifiers: Fields;
  readonly attributes: Fields;
  readonly actor: Actor;
}

type DeviceServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/**
 * Gives it these identifiers and attributes: what its next certificates say, and which dynamic groups it is in. Returns it as it
 * is then; where nothing differs, nothing is recorded.
 * @throws GatewayError `malformed-request`, `invalid-state` for a retired device, 412 if it was changed meanwhile
 */
export async function changeDevice(
  { device, identifiers, attributes, actor }: FieldsChange,
  services: DeviceServices,
): Promise<DeviceRecord> {
  const { store, clock } = services;
  requireFields('identifier', identifiers);
  requireFields('attribute', attributes);
  requireNotRetired(device);
  const change = fieldsChange({ device, identifiers, attributes, actor }, { store, now: clock.now() });
  if (change === undefined) return device;
  await unlessOvertaken(() => store.commit(change));
  return await requireDevice(device.id, services);
}

/** What gives it fields that have been checked; undefined where it has them. */
export function fieldsChange(
  { device, identifiers, attributes, actor }: FieldsChange,
  { store, now }: { readonly store: Pick<Store, 'devices'>; readonly now: Date },
): Change | undefined {
  const { id, updatedAt: seenAt } = device;
  const changes = [
    ...differences('identifiers', fieldsOf(device.identifiers), identifiers),
    ...differences('attributes', fieldsOf(device.attributes), attributes),
  ];
  if (changes.length === 0) return undefined;
  const fields = { identifiers: fieldsJson(identifiers), attributes: fieldsJson(attributes) };
  const event = deviceEvent('device.changed', device, { actor, at: now }, { changes });
  return { statements: store.devices.change({ id, seenAt, ...fields, at: now.getTime() }), audit: [event] };
}

interface Deletion {
  /** As it was read: nothing else may have changed it since. */
  readonly device: DeviceRecord;
  readonly actor: Actor;
}

/**
 * Only devices that never had a certificate: of others the record has to stay.
 * @throws GatewayError `invalid-state`, 412 if it was changed meanwhile
 */
export async function deleteDevice({ device, actor }: Deletion, { store, clock }: DeviceServices): Promise<void> {
  const { id, name, state, identifiers, attributes, updatedAt: seenAt } = device;
  if ((await store.certificates.usagesByDevice({ deviceId: id })).length > 0) {
    throw new GatewayError(
      'invalid-state',
      `device ${quote(name)} has had certificates, whose record has to stay; retire it instead`,
    );
  }
  const known = { state, identifiers: JSON.parse(identifiers), attributes: JSON.parse(attributes) };
  const event = deviceEvent('device.deleted', device, { actor, at: clock.now() }, known);
  await unlessOvertaken(() => store.commit({ statements: store.devices.remove({ id, seenAt }), audit: [event] }));
}

interface Difference {
  readonly field: string;
  readonly from?: string;
  readonly to?: string;
}

function differences(of: 'identifiers' | 'attributes', before: Fields, after: Fields): Difference[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => {
      const [from, to] = [before.get(name), after.get(name)];
      return {
        field: `${of}.${name}`,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      };
    });
}
