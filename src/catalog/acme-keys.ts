/** Keys of external accounts (RFC 8555 7.3.4) made one by one, beside the configuration document. */
import { type CredentialDependencies, createCredentials } from './credentials.js';
import { completeCredentials, conditionsOf, type NewCredentials } from './new-credentials.js';

interface AcmeKey {
  readonly name: string;
  readonly keyId: string;
  /** Base64url, as clients take it. */
  readonly hmacKey: string;
}

/**
 * Makes keys, all or none, and returns them: nobody can read them again.
 * @throws GatewayError `duplicate-request` for a name that is taken
 */
export async function createAcmeKeys(
  wanted: NewCredentials,
  dependencies: CredentialDependencies,
): Promise<readonly AcmeKey[]> {
  const { authenticationPolicy } = wanted;
  const configs = completeCredentials({
    kind: 'acme-account-key',
    ...conditionsOf(wanted, dependencies.clock.now()),
  });
  await createCredentials({ authenticationPolicy, configs }, dependencies);
  return configs.flatMap((config) =>
    config.kind === 'acme-account-key' && config.hmacKey !== undefined
      ? [{ name: config.name, keyId: config.keyId, hmacKey: config.hmacKey }]
      : [],
  );
}
