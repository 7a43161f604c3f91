/** Devices as people read them. */
import { fieldsOf } from '../devices/fields.js';

/** The store's JSON text of identifiers or attributes, as `name=value, …`. */
export function pairsText(json: string): string {
  return [...fieldsOf(json)].map(([name, value]) => `${name}=${value}`).join(', ');
}
