/** Who makes a request to the management API. */

import { countingFailures, type FailureLimit } from '../authentication/count-failures.js';
import { findIssued } from '../authentication/find-issued.js';
import { validateCertificate } from '../authentication/validate-certificate.js';
import type { ValidationServices } from '../authentication/validation-services.js';
import type { Clock } from '../clock.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import type { UserRecord } from '../store/access-record.js';
import type { Store } from '../store/store.js';
import { type Certificate, decodeCertificate, fingerprint } from '../x509/certificate.js';
import { DerError } from '../x509/der.js';
import { readGrants } from './grants.js';
import { isPassword } from './password.js';
import type { Principal } from './principal.js';
import { recordUse } from './record-use.js';
import { verifyApiKey } from './verify-api-key.js';

/** What a request shows, as far as it shows anything. */
export interface PresentedAccess {
  readonly apiKey?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  /** DER, the client's own first; its key has signed the TLS handshake. */
  readonly clientChain?: readonly Uint8Array[];
  readonly remoteAddress: string;
}

interface Dependencies extends FailureLimit, ValidationServices {
  readonly store: ValidationServices['store'] & Pick<Store, 'users' | 'apiKeys' | 'commit'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Access {
  /**
   * A secret says who it is; without one a certificate that is registered for a user does.
   * @throws GatewayError `bad-secret` for what is missing or wrong, `revoked-requester` for a certificate that was good once,
   * `rate-limited` for an address that has failed too often, `malformed-request` for two secrets
   */
  authenticate(presented: PresentedAccess): Promise<Principal>;
}

export function createAccess(services: Dependencies): Access {
  return {
    authenticate: async ({ apiKey, basic, clientChain = [], remoteAddress }) => {
      if (apiKey !== undefined && basic !== undefined) {
        throw new GatewayError('malformed-request', 'authenticate with an API key or with a password, not with both');
      }
      if (apiKey !== undefined) {
        return await countingFailures({ remoteAddress, worth: 1 }, services, () => verifyApiKey(apiKey, services));
      }
      if (basic) {
        const attempt = { remoteAddress, worth: passwordWorth };
        return await countingFailures(attempt, services, () => verifyPassword(basic, services));
      }
      const [certificate] = clientChain;
      if (certificate) return await verifyCertificate(certificate, services);
      throw new GatewayError('bad-secret', 'authenticate with an API key, or with user name and password');
    },
  };
}

/** A wrong password costs as much work as so many wrong passcodes. */
const passwordWorth = 20;

async function verifyPassword(
  { username, password }: { readonly username: string; readonly password: string },
  services: Dependencies,
): Promise<Principal> {
  const user = await services.store.users.findByName({ name: username });
  const fits = await isPassword(password, user?.password ?? null);
  if (user === undefined || !fits || user.enabled !== 1) {
    throw new GatewayError('bad-secret', 'the user name or password is wrong', {
      cause: user === undefined ? 'there is no such user' : fits ? 'the user is disabled' : 'the password is wrong',
    });
  }
  return enter(user, services);
}

async function verifyCertificate(der: Uint8Array, services: Dependencies): Promise<Principal> {
  const { store, clock } = services;
  const user = await store.users.findByCertificate({ fingerprint: fingerprint(der) });
  if (user === undefined) {
    throw new GatewayError(
      'bad-secret',
      'the client certificate is registered for no user; authenticate with an API key, or with user name and password',
    );
  }
  if (user.enabled !== 1) throw new GatewayError('revoked-requester', `user ${user.name} is disabled`);
  const now = clock.now();
  if (user.notBefore > now.getTime() || user.notAfter < now.getTime()) {
    throw new GatewayError('revoked-requester', 'the client certificate is outside its validity');
  }
  const certificate = decode(der);
  const issued = await findIssued(certificate, store);
  const validity = await validateCertificate({ certificate, issued, at: now }, services);
  if (!validity.ok) {
    throw new GatewayError('revoked-requester', 'the client certificate is not good any more; register another one', {
      cause: `${validity.code}: ${validity.message}`,
    });
  }
  return enter(user, services);
}

/** It was read when it was registered. */
function decode(der: Uint8Array): Certificate {
  try {
    return decodeCertificate(der);
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new GatewayError('bad-secret', 'the client certificate cannot be read', { cause });
  }
}

function enter({ id, name, grants, lastSeenAt }: UserRecord, services: Dependencies): Principal {
  recordUse({ id, lastAt: lastSeenAt }, services.store.users.seen, services);
  return { kind: 'user', id, name, person: `user:${id}`, grants: readGrants(grants) };
}
