/** Credentials that are made one by one or many at once, beside the configuration document; secrets that nobody has given are made up. */
import { randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.js';
import { createIdentifier } from '../identifier.js';
import { randomPasscode } from '../keys/random-passcode.js';
import type { CredentialConfig } from '../model/credential.js';
import { nameSchema } from '../model/label.js';

type Configured<Kind extends CredentialConfig['kind']> = Extract<CredentialConfig, { kind: Kind }>;

/** With a `count`, which goes without a given secret, `-1`, `-2` … are added to the name. */
export type WantedCredentials = WantedKind & { readonly count?: number | undefined };

type WantedKind =
  | Configured<'passcode'>
  /** Named like the credential where no reference is given. */
  | (Omit<Configured<'cmp-secret'>, 'reference'> & { readonly reference?: string | undefined })
  | Omit<Configured<'acme-account-key'>, 'keyId' | 'hmacKey'>;

/** The credentials, each with its secret. @throws GatewayError `malformed-request` for names that get too long */
export function completeCredentials({ count, ...wanted }: WantedCredentials): CredentialConfig[] {
  return namesOf(wanted.name, count).map((name) => complete(wanted, name));
}

/** What the command line asks for. */
export interface NewCredentials {
  readonly authenticationPolicy: string;
  readonly name: string;
  readonly count: number;
  readonly usageLimit?: number;
  readonly expiresInSeconds?: number;
  /** The only device that it may be used for. */
  readonly device?: string;
}

/** The same, as the configuration has it. */
export function conditionsOf({ name, count, usageLimit, expiresInSeconds, device }: NewCredentials, now: Date) {
  const notAfter = new Date(now.getTime() + (expiresInSeconds ?? 0) * 1000).toISOString();
  return {
    name,
    ...(count === 1 ? {} : { count }),
    ...(usageLimit === undefined ? {} : { usageLimit }),
    ...(expiresInSeconds === undefined ? {} : { notAfter }),
    ...(device === undefined ? {} : { registeredValues: { device } }),
  };
}

function complete(wanted: WantedKind, name: string): CredentialConfig {
  switch (wanted.kind) {
    case 'passcode':
      return { ...wanted, name, secret: wanted.secret ?? randomPasscode() };
    case 'cmp-secret':
      return { ...wanted, name, reference: wanted.reference ?? name, secret: wanted.secret ?? randomPasscode() };
    case 'acme-account-key': {
      const hmacKey = randomBytes(hmacKeyBytes).toString('base64url');
      return { ...wanted, name, keyId: createIdentifier(), hmacKey };
    }
  }
}

/** As many as HMAC with SHA-256 makes use of (RFC 7518 3.2). */
const hmacKeyBytes = 32;

function namesOf(name: string, count: number | undefined): string[] {
  if (count === undefined) return [name];
  const longest = `${name}-${count}`;
  if (!nameSchema.safeParse(longest).success) {
    throw new GatewayError('malformed-request', `${longest} is longer than a name may be; choose a shorter one`);
  }
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}
