/** Revocation of certificates by who manages the gateway: one, or many that stand or fall each for itself. */
import type { Scope } from '../access/principal.js';
import type { Actor } from '../audit/actor.js';
import { isInvalidityDate, type RequestedReason } from '../enrollment/revocation-reason.js';
import { releaseCertificate, revokeCertificate } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { type ErrorCode, GatewayError, isRefusal } from '../errors.js';
import type { Statement } from '../store/change.js';
import { requireVisible } from './visible.js';

interface Revocation {
  readonly reason: RequestedReason;
  /** Since when the key is suspected (RFC 5280 5.3.2). */
  readonly invalidityDate?: Date;
  readonly actor: Actor;
}

type Services = Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>;

/**
 * Revokes a certificate, or puts it on hold.
 * @param scope where the rights of who wants it hold
 * @param accompanying writes that must stand or fall with it
 * @throws GatewayError `not-found`, `already-revoked`, and `invalid-state` for a hold of what is not valid
 */
export async function revokeOne(
  id: string,
  scope: Scope,
  { accompanying = [], ...revocation }: Revocation & { readonly accompanying?: readonly Statement[] },
  services: Services,
): Promise<void> {
  const { issuerId, serialNumber } = await requireVisible(id, scope, services);
  requireUsable(revocation, services);
  await revokeCertificate({ issuerId, serialNumber, ...revocation, accompanying }, services);
}

/** Ends a hold. @throws GatewayError `not-found`, and `invalid-state` for a certificate that is not on hold */
export async function releaseOne(
  id: string,
  scope: Scope,
  { actor }: Pick<Revocation, 'actor'>,
  services: Services,
): Promise<void> {
  const { issuerId, serialNumber } = await requireVisible(id, scope, services);
  await releaseCertificate({ issuerId, serialNumber, actor }, services);
}

type FinalRevocation = Revocation & { readonly reason: Exclude<RequestedReason, 'certificateHold'> };

export type RevocationOutcome =
  | { readonly id: string; readonly outcome: 'revoked' }
  | { readonly id: string; readonly outcome: 'refused'; readonly code: ErrorCode; readonly reason: string };

/** In the order of the ids. What refuses one keeps none of the others back. */
export async function revokeMany(
  ids: readonly string[],
  scope: Scope,
  revocation: FinalRevocation,
  services: Services,
): Promise<readonly RevocationOutcome[]> {
  requireUsable(revocation, services);
  const outcomes: RevocationOutcome[] = [];
  for (let first = 0; first < ids.length; first += maximumAtOnce) {
    const some = ids.slice(first, first + maximumAtOnce);
    outcomes.push(...(await Promise.all(some.map((id) => attempt(id, scope, revocation, services)))));
  }
  return outcomes;
}

/** They are committed together. */
const maximumAtOnce = 50;

async function attempt(
  id: string,
  scope: Scope,
  revocation: FinalRevocation,
  services: Services,
): Promise<RevocationOutcome> {
  try {
    await revokeOne(id, scope, revocation, services);
    return { id, outcome: 'revoked' };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { id, outcome: 'refused', code: error.code, reason: error.message };
  }
}

function requireUsable({ invalidityDate }: Revocation, { clock }: Services): void {
  if (invalidityDate === undefined || isInvalidityDate(invalidityDate, clock.now())) return;
  throw new GatewayError('malformed-request', 'the key cannot be suspected since a time to come, or before the year 0');
}
