/** Device groups. */
import { deviceGroupSchema } from '../model/device-group.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function deviceGroupOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

const noun: CatalogNoun = {
  kind: 'device-group',
  path: '/device-groups',
  tag: 'Device groups',
  one: 'DeviceGroup',
  many: 'DeviceGroups',
  words: { one: 'a device group', many: 'device groups' },
  written: writtenForm(deviceGroupSchema).meta({ id: 'DeviceGroup' }),
  isLasting: true,
};
