/** Passcodes made one by one, beside the configuration document. */
import { type CredentialDependencies, createCredentials } from './credentials.js';
import { completeCredentials, conditionsOf, type NewCredentials } from './new-credentials.js';

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
  dependencies: CredentialDependencies,
): Promise<{ readonly name: string; readonly passcode: string }[]> {
  const { authenticationPolicy, username, secret } = wanted;
  const configs = completeCredentials({
    kind: 'passcode',
    ...conditionsOf(wanted, dependencies.clock.now()),
    ...(username === undefined ? {} : { username }),
    ...(secret === undefined ? {} : { secret }),
  });
  await createCredentials({ authenticationPolicy, configs }, dependencies);
  return configs.flatMap((config) =>
    config.kind === 'passcode' && config.secret !== undefined ? [{ name: config.name, passcode: config.secret }] : [],
  );
}
