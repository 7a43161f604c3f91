/** The division that the options of a job name. */
import type { Catalog } from '../../catalog/catalog.js';
import { GatewayError } from '../../errors.js';
import { quote } from '../../policy/safe-text.js';

/** @throws GatewayError `not-found` */
export function requireDivision(name: string | undefined, { divisions }: Catalog): string {
  if (name !== undefined && divisions.has(name)) return name;
  throw new GatewayError('not-found', `there is no division ${quote(name ?? '')}`);
}
