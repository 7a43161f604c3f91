/** ACME accounts as credentials (RFC 8555 7.3): by the external account that one is bound to, and by what it has proved. */
import type { AuthenticationAnchor, ResolvedAuthenticationPolicy } from '../catalog/catalog.js';
import { GatewayError } from '../errors.js';
import type { Policy } from '../model/policy.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { Store } from '../store/store.js';
import { describeAnchor } from './anchor.js';
import { describeCredential, isAllowedFrom } from './credential-conditions.js';

/** What a policy wants to have proved before a certificate. */
export type AccountAuthorization = Policy['acme']['authorization'];

interface PresentedAccount {
  readonly presented: Extract<PresentedCredential, { kind: 'acme-account' }>;
  readonly authentication: ResolvedAuthenticationPolicy;
  readonly authorization: AccountAuthorization;
  readonly at: Date;
  readonly remoteAddress: string;
}

/**
 * Whom an account speaks for.
 * @throws GatewayError `bad-secret` for an external account that is missing, revoked or not allowed from this address,
 * `untrusted-signer` where an authentication CA that has attested its device counts no more, or no account will do
 */
export async function verifyAccount(
  { presented, authentication, authorization, at, remoteAddress }: PresentedAccount,
  store: Pick<Store, 'credentials'>,
): Promise<Identity> {
  const { account, externalAccount, identifiers, attestedBy = [] } = presented;
  if (needsExternalAccount(authentication, authorization) && externalAccount === undefined) {
    throw externalAccountMissing();
  }
  const credentials: UsedCredential[] = [];
  if (externalAccount !== undefined) {
    credentials.push(await findExternalAccount(externalAccount, authentication, remoteAddress, store));
  }
  for (const name of new Set(attestedBy)) {
    const anchor = findAnchor(name, authentication);
    credentials.push(describeAnchor(anchor, { at, remoteAddress, what: 'the CA that attests the device' }));
  }
  const device =
    identifiers.find(({ type }) => type === 'permanent-identifier') ??
    identifiers.find(({ type }) => type === 'hardware-module');
  return {
    requester: `acme-account:${account}`,
    credentials,
    isAccount: true,
    ...(authorization === 'externalAccount' ? {} : { provedIdentifiers: identifiers }),
    ...(device ? { deviceIdentifier: device.value } : {}),
  };
}

/**
 * Whether accounts have to be bound to an external one (RFC 8555 7.3.4): by the policy's own wish, or because it is the only
 * secret that one can show.
 * @throws GatewayError `untrusted-signer` where a certificate is demanded, which no account has
 */
export function needsExternalAccount(
  authentication: ResolvedAuthenticationPolicy,
  authorization: AccountAuthorization,
): boolean {
  const { name, require } = authentication.policy;
  if (require === 'certificate' || require === 'certificate-and-secret') {
    throw new GatewayError(
      'untrusted-signer',
      `authentication policy ${name} demands a client certificate, which accounts do not have`,
    );
  }
  return isExternalAccountWanted(authentication, authorization);
}

/** The same, to tell clients. */
export function isExternalAccountWanted(
  { policy }: ResolvedAuthenticationPolicy,
  authorization: AccountAuthorization,
): boolean {
  return policy.require !== 'any' || authorization !== 'challenges';
}

export function externalAccountMissing(): GatewayError {
  return new GatewayError(
    'bad-secret',
    'this policy needs an external account binding; ask its operator for a key id and key',
  );
}

/**
 * How long it is valid says until when accounts may be opened with it, as for a passcode that has opened an enrollment: the
 * account lives on by its own key. Its use was counted then.
 */
async function findExternalAccount(
  id: string,
  { policy }: ResolvedAuthenticationPolicy,
  remoteAddress: string,
  { credentials }: Pick<Store, 'credentials'>,
): Promise<UsedCredential> {
  const record = await credentials.findById({ id });
  const isOurs = record?.authenticationPolicy === policy.name && record.kind === 'acme-account-key';
  if (record === undefined || !isOurs || record.revokedAt !== null) {
    throw new GatewayError(
      'bad-secret',
      'the external account that this account is bound to was revoked; ask the operator for a new one and open an account with it',
      { cause: record === undefined || !isOurs ? 'it is none of this authentication policy' : 'it was revoked' },
    );
  }
  if (!isAllowedFrom(record, remoteAddress)) {
    throw new GatewayError(
      'bad-secret',
      'the external account that this account is bound to may not be used from this address',
    );
  }
  return { ...describeCredential(record).used, isCounted: true };
}

function findAnchor(name: string, { anchors }: ResolvedAuthenticationPolicy): AuthenticationAnchor {
  const anchor = anchors.find((each) => each.name === name);
  if (anchor) return anchor;
  throw new GatewayError(
    'untrusted-signer',
    'the CA that attests the device does not authenticate requests to this policy any more',
  );
}
