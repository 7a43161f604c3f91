/** Passcodes: EST's Basic password, SCEP's challengePassword, every protocol's that carries a secret of the kind. */
import { GatewayError } from '../errors.js';
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import type { CredentialRecord, CredentialRepository } from '../store/credential-repository.js';
import { checkConditions, describeCredential, type VerifiedCredential } from './credential-conditions.js';

interface PresentedPasscode {
  readonly authenticationPolicy: string;
  /** Absent where the protocol has no room for one. */
  readonly username?: string;
  readonly passcode: string;
  readonly at: Date;
  readonly remoteAddress: string;
}

/**
 * Finds the credential that a passcode belongs to. One with a user name is found together with it, or where the protocol
 * knows none; one without takes any. Finding by keyed hash leaves nothing to compare, so nothing for timing to tell.
 *
 * @throws GatewayError `bad-secret`; the same for a wrong passcode and one that may not be used, so that guessing learns nothing.
 */
export async function verifyPasscode(
  { authenticationPolicy, username, passcode, at, remoteAddress }: PresentedPasscode,
  credentials: CredentialRepository,
  lookup: PasscodeLookup,
): Promise<VerifiedCredential> {
  const presented = { authenticationPolicy, lookup: lookup(authenticationPolicy, passcode), limit: maximumNamesakes };
  const found: readonly CredentialRecord[] =
    username === undefined
      ? await credentials.findPasscodes(presented)
      : await credentials.findPasscodesOf({ ...presented, username });
  let reason = 'no passcode of this authentication policy is like it';
  let usedUp: VerifiedCredential | undefined;
  for (const record of found) {
    const conditions = checkConditions(record, at, remoteAddress);
    if (!conditions.usable) {
      reason = conditions.reason;
      continue;
    }
    const verified = describeCredential(record);
    if (!verified.isUsedUp) return verified;
    usedUp ??= verified;
  }
  if (usedUp) return usedUp;
  throw wrongPasscode(username, reason);
}

/** One refusal for all that may be wrong, so that guessing learns nothing; `reason` is for the operator. */
export function wrongPasscode(username: string | undefined, reason: string): GatewayError {
  return new GatewayError(
    'bad-secret',
    `the ${username === undefined ? '' : 'user name or '}passcode is wrong, used up, expired or not allowed from this address`,
    { cause: reason },
  );
}

/** Two people may have chosen the same passcode; more of them than this are not worth the search. */
const maximumNamesakes = 50;
