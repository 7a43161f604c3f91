/** What a device group may not become while devices are in it. */
import type { Store } from '../store/store.js';
import type { CatalogObject, CatalogObjects } from './objects.js';
import type { ReportProblem } from './references.js';

/** Reports groups with devices that would move to another division, or be dynamic. */
export async function checkGroupsInUse(
  wanted: readonly CatalogObject[],
  stored: CatalogObjects,
  { configurationUse }: Pick<Store, 'configurationUse'>,
  report: ReportProblem,
): Promise<void> {
  for (const object of wanted) {
    const before = stored['device-group'].get(object.name)?.value;
    if (object.kind !== 'device-group' || before === undefined) continue;
    const { division, filter } = object.value as typeof before;
    const isMoved = division !== before.division;
    const isMadeDynamic = filter !== undefined && before.filter === undefined;
    if (!isMoved && !isMadeDynamic) continue;
    const device = await configurationUse.deviceOfGroup({ group: object.name });
    if (device === undefined) continue;
    const message = `cannot be changed while devices are in the group, such as "${device.name}"; move them to another one first`;
    report(object, [isMoved ? 'division' : 'filter'], message);
  }
}
