/** Divisions. */
import { divisionSchema } from '../model/division.js';
import { type CatalogNoun, catalogOperations } from './catalog-objects.js';
import { usageOperation } from './catalog-usage.js';
import type { Operation } from './operation.js';
import type { ApiServices } from './services.js';
import { writtenForm } from './written-form.js';

export function divisionOperations(services: ApiServices): readonly Operation[] {
  return [...catalogOperations(noun, services), usageOperation(noun, services)];
}

const noun: CatalogNoun = {
  kind: 'division',
  path: '/divisions',
  tag: 'Divisions',
  one: 'Division',
  many: 'Divisions',
  words: { one: 'a division', many: 'divisions' },
  written: writtenForm(divisionSchema).meta({ id: 'Division' }),
  isLasting: true,
};
