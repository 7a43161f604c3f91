/** What becomes of the devices of a document. */
import { differencesBetween } from '../catalog/differences.js';
import type { DocumentDevice } from '../catalog/document.js';
import type { CatalogObjects, JsonObject, Path } from '../catalog/objects.js';
import type { PlanProblem, StepOutline } from '../catalog/wanted.js';
import {
  checkDeclaration,
  checkPlace,
  completeDeclaration,
  type DeviceDeclaration,
} from '../devices/declare-device.js';
import { type Fields, fieldsOf } from '../devices/fields.js';
import { requireNotRetired } from '../devices/find-device.js';
import { GatewayError } from '../errors.js';
import type { DeviceGroup } from '../model/device-group.js';
import type { DeviceRecord } from '../store/device-record.js';
import type { Store } from '../store/store.js';

export interface DeviceStep extends StepOutline {
  readonly kind: 'device';
  readonly device: DeviceDeclaration;
  readonly group: DeviceGroup;
  /** What there is of it already. */
  readonly stored?: DeviceRecord;
}

/** Plans the devices that are wanted; what is wrong with them goes to the problems. */
export async function planDevices(
  devices: readonly DocumentDevice[],
  outcome: CatalogObjects,
  { store }: { readonly store: Pick<Store, 'devices'> },
  problems: PlanProblem[],
): Promise<DeviceStep[]> {
  const steps: DeviceStep[] = [];
  const groups = new Map([...outcome['device-group'].values()].map(({ name, value }) => [name, value]));
  const seen = new Set<string>();
  for (const { config, path } of devices) {
    const group = groups.get(config.group);
    if (group === undefined) {
      problems.push({ path: [...path, 'group'], message: `there is no device group "${config.group}"` });
      continue;
    }
    const { division } = group;
    const key = `${division}\0${config.name}`;
    if (seen.has(key)) {
      const message = `there are two devices "${config.name}" of division ${division} in this list`;
      problems.push({ path: [...path, 'name'], message });
    }
    seen.add(key);
    const stored = await store.devices.findByName({ division, name: config.name });
    const wanted = { identifiers: mapOf(config.identifiers), attributes: mapOf(config.attributes) };
    const device = completeDeclaration(config.name, wanted, stored);
    const step = planDevice(device, group, stored);
    reporting(path, problems, () => checkDeclaration(device));
    reporting([...path, 'group'], problems, () => checkPlace(group.name, stored, groups));
    if (step.action === 'change' && stored) reporting(path, problems, () => requireNotRetired(stored));
    steps.push(step);
    if (steps.length % readAtOnce === 0) await endOfTurn();
  }
  return steps;
}

const readAtOnce = 500;

function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function mapOf(fields: Readonly<Record<string, string>> | undefined): Fields | undefined {
  return fields && new Map(Object.entries(fields));
}

function planDevice(device: DeviceDeclaration, group: DeviceGroup, stored: DeviceRecord | undefined): DeviceStep {
  const outline = { kind: 'device', name: device.name, device, group } as const;
  if (stored === undefined) return { ...outline, action: 'create', differences: [] };
  const { groupName, identifiers, attributes } = stored;
  const before = show(groupName, { identifiers: fieldsOf(identifiers), attributes: fieldsOf(attributes) });
  const differences = differencesBetween(before, show(group.name, device));
  if (differences.length === 0) return { ...outline, stored, action: 'unchanged', differences };
  const isMove = groupName !== group.name;
  const note = 'its certificates stay valid; gatehouse device move tells which do not fit there, and revokes them';
  return { ...outline, stored, action: 'change', differences, ...(isMove ? { note } : {}) };
}

function show(group: string, { identifiers, attributes }: Omit<DeviceDeclaration, 'name'>): JsonObject {
  return { group, identifiers: Object.fromEntries(identifiers), attributes: Object.fromEntries(attributes) };
}

function reporting(path: Path, problems: PlanProblem[], check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    problems.push({ path, message: error.message });
  }
}
