/** Accounts that requests are made by later: whether one may be opened, and what that uses up (RFC 8555 7.3). */
import { createAuditRecord } from '../audit/audit-record.js';
import { externalAccountMissing, needsExternalAccount } from '../authentication/acme-account.js';
import { GatewayError } from '../errors.js';
import type { UsedCredential } from '../policy/identity.js';
import { authenticateRequest } from './authenticate-request.js';
import { recordingRefusals } from './recording-refusals.js';
import type { AccountOpening } from './request.js';
import type { EnrollmentServices } from './services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';

/**
 * @throws GatewayError `bad-secret` for an external account that is missing, wrong or used up, `rate-limited` for who has
 * guessed too often, or as `accompanying` says; after its audit event is committed
 */
export function openAccount(opening: AccountOpening, services: EnrollmentServices): Promise<void> {
  return recordingRefusals({ ...opening, operation: 'newAccount' }, services, async () => {
    const { store, clock } = services;
    const { protocol, account, details, remoteAddress, requestId, accompanying } = opening;
    const target = findTarget(services.catalog(), opening.label);
    requireMethod(target.resolved, protocol);
    const now = clock.now();
    const externalAccount = await findExternalAccount(opening, target, now, services);
    const uses = externalAccount ? [store.credentials.consume({ id: externalAccount.id, now: now.getTime() })] : [];
    const committed = store.commit({
      // A repeat that came at the same time has to find this account, not a credential used up.
      statements: [...accompanying(externalAccount?.id), ...uses],
      audit: [
        createAuditRecord({
          id: requestId,
          at: now,
          action: 'account.opened',
          outcome: 'success',
          subject: account,
          details: {
            ...details,
            protocol,
            remoteAddress,
            policy: target.resolved.policy.name,
            externalAccount: externalAccount?.name,
          },
        }),
      ],
    });
    await committed.catch((error) => {
      throw error instanceof GatewayError && error.code === 'bad-secret' ? usedUp(error) : error;
    });
  });
}

/** The credential that the binding is made with; whether it has uses left, the commit says. */
async function findExternalAccount(
  { protocol, binding, remoteAddress }: AccountOpening,
  target: EnrollmentTarget,
  now: Date,
  services: EnrollmentServices,
): Promise<UsedCredential | undefined> {
  const { authentication, policy } = target.resolved;
  const isNeeded = needsExternalAccount(authentication, policy.acme.authorization);
  if (binding === undefined) {
    if (isNeeded) throw externalAccountMissing();
    return undefined;
  }
  const credentials = [{ ...binding, secretKind: 'acme-account-key' } as const];
  const asked = { protocol, credentials, operation: 'enroll', remoteAddress } as const;
  const { identity } = await authenticateRequest(asked, target, now, services);
  return identity.credentials[0];
}

function usedUp(cause: GatewayError): GatewayError {
  return new GatewayError(
    'bad-secret',
    'as many accounts as it may open have been opened with this external account; ask the operator for a new one',
    { cause },
  );
}
