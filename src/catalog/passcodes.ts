/** Passcodes made and revoked one by one, beside the configuration document. */
import type { PasscodeLookup } from '../keys/passcode-lookup.js';
import { randomPasscode } from '../keys/random-passcode.js';
import {
  type CredentialDependencies,
  createCredentials,
  listCredentials,
  type NewCredentials,
} from './made-credentials.js';

interface PasscodeDependencies extends CredentialDependencies {
  readonly passcodeLookup: PasscodeLookup;
}

interface NewPasscodes extends NewCredentials {
  readonly username?: string;
  /** Given by the operator, for one passcode; otherwise each is random. */
  readonly secret?: string;
}

/**
 * Makes passcodes, all or none, and returns them: nobody can read them again.
 * @throws GatewayError `duplicate-request` for a name that is taken
 */
export async function createPasscodes(
  wanted: NewPasscodes,
  dependencies: PasscodeDependencies,
): Promise<{ readonly name: string; readonly passcode: string }[]> {
  const { authenticationPolicy, username, secret } = wanted;
  const { store, passcodeLookup } = dependencies;
  const passcodes: { readonly name: string; readonly passcode: string }[] = [];
  // The first one changes what the snapshot says: whether the policy has passcodes at all.
  const present = await listCredentials('passcode', authenticationPolicy, store);
  const isFirst = present.every(({ revokedAt }) => revokedAt !== null);
  const bump = isFirst ? [store.catalog.bumpVersion({ expected: await store.catalog.version() })] : [];
  const make = ({ name }: { readonly name: string }) => {
    const passcode = secret ?? randomPasscode();
    passcodes.push({ name, passcode });
    return { username: username ?? null, lookup: passcodeLookup(authenticationPolicy, passcode), sealed: null };
  };
  await createCredentials('passcode', wanted, make, dependencies, bump);
  return passcodes;
}
