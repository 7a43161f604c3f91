/** Passcodes: EST's Basic password today; every protocol's that carries a user name and a secret. */
import { GatewayError } from '../errors.js';
import type { CredentialRepository } from '../store/credential-repository.js';
import { checkConditions, describeCredential, type VerifiedCredential } from './credential-conditions.js';

/** Keyed hash of a passcode, hex: what the store finds it by. */
export type PasscodeLookup = (authenticationPolicy: string, username: string, passcode: string) => string;

interface PresentedPasscode {
  readonly authenticationPolicy: string;
  readonly username: string;
  readonly passcode: string;
  readonly at: Date;
  readonly remoteAddress: string;
}

/**
 * Finds the credential that a passcode belongs to. A passcode with a user name is only found together with it; one
 * without takes any. Finding by keyed hash leaves nothing to compare, so nothing for timing to tell.
 *
 * @throws GatewayError `bad-secret`; the same for a wrong passcode and one that may not be used, so that guessing learns nothing.
 */
export async function verifyPasscode(
  presented: PresentedPasscode,
  credentials: CredentialRepository,
  lookup: PasscodeLookup,
): Promise<VerifiedCredential> {
  const { authenticationPolicy, username, passcode, at, remoteAddress } = presented;
  const find = (name: string) =>
    credentials.findByLookup({
      authenticationPolicy,
      kind: 'passcode',
      lookup: lookup(authenticationPolicy, name, passcode),
    });
  let reason = 'no passcode of this authentication policy is like it';
  let usedUp: VerifiedCredential | undefined;
  for (const name of new Set([username, ''])) {
    for (const record of await find(name)) {
      const conditions = checkConditions(record, at, remoteAddress);
      if (!conditions.usable) {
        reason = conditions.reason;
        continue;
      }
      const verified = describeCredential(record);
      if (!verified.isUsedUp) return verified;
      usedUp ??= verified;
    }
  }
  if (usedUp) return usedUp;
  throw new GatewayError(
    'bad-secret',
    'the user name or passcode is wrong, used up, expired or not allowed from this address',
    { cause: reason },
  );
}
