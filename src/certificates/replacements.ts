/** Planned replacements, as far as somebody's rights reach. */
import { covers, type Scope } from '../access/principal.js';
import { type PlannedReplacement, planReplacement } from '../enrollment/plan-replacement.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { GatewayError, HttpError } from '../errors.js';
import { divisionOf, requireVisible } from './visible.js';

/** Those that are valid now and fit every condition. */
export interface ReplacementConditions {
  readonly certificate?: string | undefined;
  readonly policy?: string | undefined;
  readonly profile?: string | undefined;
  /** A generation. */
  readonly issuer?: string | undefined;
  /** RFC 3339. */
  readonly issuedBefore?: string | undefined;
}

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog' | 'authority'>;

/**
 * Plans replacements, or takes the plans back where no time is given; returns for how many certificates.
 * @throws GatewayError `not-found` for a certificate, `forbidden` for conditions that reach beyond the scope; HttpError 422 for
 * names of what is not there, and a time that has passed
 */
export async function planReplacements(
  conditions: ReplacementConditions,
  scope: Scope,
  plan: Omit<PlannedReplacement, 'selection'>,
  services: Services,
): Promise<number> {
  const { certificate: id, policy, profile, issuer: issuerId, issuedBefore } = conditions;
  if (plan.by !== undefined && plan.by <= services.clock.now()) {
    throw unfit('by', 'is not in the future; give clients some time');
  }
  if (id !== undefined) await requireVisible(id, scope, services);
  requireKnown(conditions, scope, services);
  if (scope !== 'everywhere' && id === undefined && policy === undefined) {
    throw new GatewayError('forbidden', 'your rights are for some divisions only: name a policy, or a certificate');
  }
  const selection = {
    ...(id === undefined ? {} : { id }),
    ...(policy === undefined ? {} : { policy }),
    ...(profile === undefined ? {} : { profile }),
    ...(issuerId === undefined ? {} : { issuerId }),
    ...(issuedBefore === undefined ? {} : { issuedBefore: Date.parse(issuedBefore) }),
  };
  return await planReplacement({ ...plan, selection }, services);
}

function requireKnown({ policy, profile, issuer }: ReplacementConditions, scope: Scope, services: Services): void {
  const catalog = services.catalog();
  if (policy !== undefined) {
    const division = divisionOf(policy, catalog);
    if (division === undefined || !covers(scope, division)) throw unfit('policy', 'names none that is there');
  }
  if (profile !== undefined && !catalog.profiles.has(profile)) throw unfit('profile', 'names none that is there');
  if (issuer !== undefined && services.authority.generation(issuer) === undefined) {
    throw unfit('issuer', 'names no CA generation');
  }
}

function unfit(field: string, problem: string): HttpError {
  return new HttpError(422, 'malformed-request', `${field} ${problem}`);
}
