/** Keys of external accounts (RFC 8555 7.3.4) made one by one, beside the configuration document. */
import { randomBytes } from 'node:crypto';
import { createIdentifier } from '../identifier.js';
import type { Sealing } from '../keys/sealing.js';
import { credentialContext } from './credential-definition.js';
import { type CredentialDependencies, createCredentials, type NewCredentials } from './made-credentials.js';

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
  dependencies: CredentialDependencies & { readonly sealing: Sealing },
): Promise<readonly AcmeKey[]> {
  const { sealing } = dependencies;
  const keys: AcmeKey[] = [];
  const make = ({ id, name }: { readonly id: string; readonly name: string }) => {
    const secret = randomBytes(keyBytes);
    const keyId = createIdentifier();
    keys.push({ name, keyId, hmacKey: secret.toString('base64url') });
    return { username: null, lookup: keyId, sealed: sealing.seal(credentialContext(id), secret) };
  };
  await createCredentials('acme-account-key', wanted, make, dependencies);
  return keys;
}

/** As many as HMAC with SHA-256 makes use of (RFC 7518 3.2). */
const keyBytes = 32;
