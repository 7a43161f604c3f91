/** Which certificates somebody may see: those of the divisions that its rights are for. */
import type { Scope } from '../access/principal.js';
import { covers } from '../access/principal.js';
import type { Catalog } from '../catalog/catalog.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';

type Services = Pick<EnrollmentServices, 'store' | 'catalog'>;

/**
 * A certificate is of its policy's division. Those of CAs, of the gateway itself and of policies that are gone are of none: who
 * has rights everywhere sees them.
 */
export function divisionOf(policy: string, { policies }: Catalog): string | undefined {
  return policies.get(policy)?.policy.division;
}

/** @throws GatewayError `not-found`, also for one of a division that the scope leaves out */
export async function requireVisible(
  id: string,
  scope: Scope,
  { store, catalog }: Services,
): Promise<CertificateRecord> {
  const record = await store.certificates.findById({ id });
  if (record === undefined || !covers(scope, divisionOf(record.policy, catalog()))) {
    throw new GatewayError(
      'not-found',
      'there is no certificate of this id: the issuing CA generation, a colon and the serial number',
    );
  }
  return record;
}

/** The policies of the divisions of a scope, of one of them if it is named; undefined where any will do, those that are gone too. */
export function policiesWithin(
  scope: Scope,
  division: string | undefined,
  { policies }: Catalog,
): string[] | undefined {
  if (scope === 'everywhere' && division === undefined) return undefined;
  return [...policies.values()].flatMap(({ policy }) =>
    covers(scope, policy.division) && (division === undefined || policy.division === division) ? [policy.name] : [],
  );
}
