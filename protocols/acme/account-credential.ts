/** What an account presents to the core: itself, and what it holds authorizations for. */
import type { PresentedCredential } from '../../src/model/presented-credential.js';
import { authorizationStatus, identifierOf, isProved, type LinkedAuthorization } from './authorization-state.js';
import type { AccountRequest, AcmeContext } from './context.js';

type AccountCredential = Extract<PresentedCredential, { readonly kind: 'acme-account' }>;

export function accountCredential(
  { account, policy }: Pick<AccountRequest, 'account' | 'policy'>,
  authorizations: readonly LinkedAuthorization[],
  { services }: Pick<AcmeContext, 'services'>,
): AccountCredential {
  const now = services.clock.now().getTime();
  const proved = authorizations.filter(
    (each) => authorizationStatus(each, now) === 'valid' && isProved(each, policy.acme),
  );
  const attestedBy = new Set(proved.flatMap((each) => each.attestedBy ?? []));
  return {
    kind: 'acme-account',
    account: account.id,
    ...(account.externalAccount === null ? {} : { externalAccount: account.externalAccount }),
    identifiers: proved.flatMap(({ identifierType, identifierValue, isWildcard }) =>
      identifierType === null || identifierValue === null || isWildcard === null
        ? []
        : [identifierOf({ identifierType, identifierValue, isWildcard })],
    ),
    ...(attestedBy.size === 0 ? {} : { attestedBy: [...attestedBy] }),
  };
}
