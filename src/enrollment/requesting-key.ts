/** API keys that certificates are asked for with. */
import { covers, scopeOf } from '../access/principal.js';
import { verifyApiKey } from '../access/verify-api-key.js';
import { GatewayError } from '../errors.js';
import type { Policy } from '../model/policy.js';
import type { UsedCredential } from '../policy/identity.js';
import type { EnrollmentServices } from './services.js';

/** @throws GatewayError `bad-secret`, `forbidden` for a key that may not ask for certificates in the policy's division */
export async function verifyRequestingKey(
  key: string,
  { division }: Policy,
  services: EnrollmentServices,
): Promise<UsedCredential> {
  const principal = await verifyApiKey(key, services);
  if (!covers(scopeOf(principal, 'certificate:request'), division)) {
    throw new GatewayError(
      'forbidden',
      `API key ${principal.name} may not ask for certificates in division ${division}; a role with certificate:request there is needed`,
    );
  }
  return { id: principal.id, kind: 'api-key', name: principal.name };
}
