/** Secrets that a would-be requester is taken to know, by the name of their credential: for questions about what would be. */
import { GatewayError } from '../errors.js';
import type { Method } from '../model/protocol-name.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { checkConditions, describeCredential } from './credential-conditions.js';
import type { VerifiedSecret } from './secret.js';

interface AssumedUse {
  readonly record: CredentialRecord;
  readonly protocol: Method;
  /** The user name that would be presented; the right one where absent. */
  readonly username?: string;
  readonly at: Date;
  readonly remoteAddress: string;
}

/**
 * The same conditions as for whoever shows it, but with the true reason of a refusal: it is an operator who asks.
 * @throws GatewayError `bad-secret`
 */
export function assumeSecret({ record, protocol, username, at, remoteAddress }: AssumedUse): VerifiedSecret {
  const { name, kind } = record;
  if (!protocolsOf.get(kind)?.includes(protocol))
    throw new GatewayError('bad-secret', `the ${kind} "${name}" does not authenticate requests over ${protocol}`);
  if (username !== undefined && record.username !== null && username !== record.username)
    throw new GatewayError('bad-secret', `the ${kind} "${name}" belongs to another user name`);
  const conditions = checkConditions(record, at, remoteAddress);
  if (!conditions.usable) throw new GatewayError('bad-secret', `${conditions.reason} (${kind} "${name}")`);
  const credential = describeCredential(record);
  if (credential.isUsedUp)
    throw new GatewayError('bad-secret', `the credential is used up (${kind} "${name}", ${record.uses} uses)`);
  return { kind: 'credential', credential };
}

const protocolsOf: ReadonlyMap<string, readonly Method[]> = new Map<string, readonly Method[]>([
  ['passcode', ['est', 'scep', 'cmp', 'rest']],
  ['cmp-secret', ['cmp']],
  ['acme-account-key', ['acme']],
]);
