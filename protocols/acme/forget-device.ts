/** Accounts of devices that are compromised: revoked (RFC 8555 7.1.2), with all that they have begun. */
import type { ProtocolHandler } from '../../src/protocol.js';
import { revoked } from './account-object.js';
import type { AcmeContext } from './context.js';
import { problemDocument } from './problem.js';

type ForgetDevice = NonNullable<ProtocolHandler['forgetDevice']>;

/** An account is the device's by its external account, by the certificates that it has got for it, or by an attestation. */
export async function forgetDevice(
  { name, policies, requesters, credentials }: Parameters<ForgetDevice>[0],
  { accounts, authorizations, orders }: Pick<AcmeContext, 'accounts' | 'authorizations' | 'orders'>,
): ReturnType<ForgetDevice> {
  const ids = requesters.flatMap((requester) => (requester.startsWith(prefix) ? [requester.slice(prefix.length)] : []));
  const found = await accounts.ofDevice({ ids, externalAccounts: credentials, name, policies });
  const error = JSON.stringify(problemDocument(revoked()));
  return {
    statements: found.flatMap(({ id: accountId }) => [
      accounts.revoke({ id: accountId }),
      authorizations.failPendingOf({ accountId }),
      authorizations.failValidOf({ accountId }),
      orders.failOfAccount({ accountId, error }),
    ]),
    events: found.map(({ id, policy, keyThumbprint }) => ({
      action: 'account.revoked',
      outcome: 'success',
      subject: id,
      details: { policy, keyThumbprint },
    })),
  };
}

const prefix = 'acme-account:';
