/** Secrets that messages are authenticated with, but do not show: what CMP's MAC protection and ACME's bindings are made with. */
import { randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.js';
import type { Sealing } from '../keys/sealing.js';
import type { CredentialKind } from '../model/credential.js';
import type { PresentedCredential } from '../model/presented-credential.js';
import type { CredentialRecord, CredentialRepository } from '../store/credential-repository.js';
import { checkConditions, describeCredential, type VerifiedCredential } from './credential-conditions.js';

export type PresentedMac = Extract<PresentedCredential, { kind: 'mac' }>;

interface MessageSecret {
  readonly authenticationPolicy: string;
  readonly presented: PresentedMac;
  readonly at: Date;
  readonly remoteAddress: string;
}

/**
 * Finds the secret that a reference names, and has the protocol say whether the message was authenticated with it. One that
 * asks for a revocation is held against the revocation passphrase of that reference first.
 *
 * @throws GatewayError `bad-secret`; the same, and after the same work, for an unknown reference, a wrong secret and one that
 * may not be used, so that guessing learns nothing.
 */
export async function verifyMessageSecret(
  { authenticationPolicy, presented, at, remoteAddress }: MessageSecret,
  credentials: CredentialRepository,
  sealing: Sealing,
): Promise<VerifiedCredential> {
  const { secretKind } = presented;
  const lookup = Buffer.from(presented.reference).toString(secretKind === 'acme-account-key' ? 'utf8' : 'hex');
  const records: CredentialRecord[] = [];
  for (const kind of kindsOf(presented)) {
    const [record] = await credentials.findByLookup({ authenticationPolicy, kind, lookup });
    if (record) records.push(record);
  }
  if (records.length === 0) {
    await verifyOnce(presented, undefined, sealing);
    throw wrongSecret(presented, 'no secret of this authentication policy has the reference');
  }
  let reason = '';
  for (const record of records) {
    const fits = await verifyOnce(presented, record, sealing);
    const conditions = checkConditions(record, at, remoteAddress);
    if (conditions.usable && fits) return describeCredential(record);
    reason = conditions.usable ? 'the secret of the reference is another one' : conditions.reason;
  }
  throw wrongSecret(presented, reason);
}

function kindsOf({ secretKind, forRevocation }: PresentedMac): readonly CredentialKind[] {
  const kind = secretKind ?? 'cmp-secret';
  return forRevocation ? ['revocation-passphrase', kind] : [kind];
}

/** What a protocol said, by whose secret it was asked about: deriving a key is made to be slow, and a message has one MAC. */
const verdicts = new WeakMap<PresentedMac, Map<string, Promise<boolean>>>();

function verifyOnce(presented: PresentedMac, record: CredentialRecord | undefined, sealing: Sealing): Promise<boolean> {
  const known = verdicts.get(presented) ?? new Map<string, Promise<boolean>>();
  verdicts.set(presented, known);
  const asked = record?.id ?? 'nobody';
  const fits = known.get(asked) ?? verify(presented, record, sealing);
  known.set(asked, fits);
  return fits;
}

async function verify(
  presented: PresentedMac,
  record: CredentialRecord | undefined,
  sealing: Sealing,
): Promise<boolean> {
  // Nobody has this one: the work is done for the time that it takes.
  const secret =
    record?.sealed == null ? randomBytes(secretBytes) : sealing.open(`credential:${record.id}`, record.sealed);
  const fits = await presented.verify(secret);
  // One that fits is needed for the answer's protection.
  if (!fits) secret.fill(0);
  return fits;
}

const secretBytes = 32;

/** One refusal for all that may be wrong; `reason` is for the operator. */
function wrongSecret({ secretKind }: PresentedMac, reason: string): GatewayError {
  const what =
    secretKind === 'acme-account-key'
      ? 'the key id or key of the external account'
      : 'the reference or secret of the message';
  return new GatewayError('bad-secret', `${what} is wrong, expired or not allowed from this address`, {
    cause: reason,
  });
}
