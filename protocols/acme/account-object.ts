/** Accounts as they are shown (RFC 8555 7.1.2), and whether they are still heard. */
import type { Answer } from './answer.js';
import type { AcmeRequest } from './context.js';
import { AcmeError } from './problem.js';
import type { AccountRecord } from './store/accounts.js';

export function showAccount(
  account: AccountRecord,
  { policy, urls }: AcmeRequest,
  status: Answer['status'] = 200,
): Answer {
  const { termsOfService } = policy.acme;
  const contact: string[] = JSON.parse(account.contacts);
  const json = {
    status: account.status,
    ...(contact.length === 0 ? {} : { contact }),
    ...(termsOfService === undefined ? {} : { termsOfServiceAgreed: account.agreedTerms === termsOfService }),
    ...(account.externalAccountBinding === null
      ? {}
      : { externalAccountBinding: JSON.parse(account.externalAccountBinding) }),
    orders: urls.orders(account.id),
  };
  return { status, json, location: urls.account(account.id) };
}

/** RFC 8555 7.3.6: nothing more is taken from an account that was given up or revoked. @throws AcmeError `unauthorized` */
export function requireValid({ status }: AccountRecord): void {
  if (status === 'revoked') throw revoked();
  if (status !== 'valid') throw deactivated();
}

export function revoked(): AcmeError {
  return new AcmeError(
    'unauthorized',
    'the account was revoked, because its device is compromised; ask the operator of this server',
    { status: 401 },
  );
}

export function deactivated(): AcmeError {
  return new AcmeError('unauthorized', 'the account was deactivated; open another one with a new key', { status: 401 });
}
