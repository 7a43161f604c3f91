/** The conditions under which a credential may be used: its state, validity and addresses, and how often it was used. */
import type { CredentialKind } from '../model/credential.js';
import { type RegisteredValues, registeredValuesSchema } from '../model/registered-values.js';
import type { UsedCredential } from '../policy/identity.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { compileAddresses } from './allowed-addresses.js';

/** A credential that was presented and may be used, perhaps only to repeat what used it up. */
export interface VerifiedCredential {
  readonly used: UsedCredential;
  /** Its uses are spent: it opens nothing new, but still authenticates the repeat of what it opened. */
  readonly isUsedUp: boolean;
}

type Usability = { readonly usable: true } | { readonly usable: false; readonly reason: string };

/** Whether a credential on record may be used at this time from this address; how often it was used is not looked at. */
export function checkConditions(record: CredentialRecord, at: Date, remoteAddress: string): Usability {
  const time = at.getTime();
  if (record.revokedAt !== null) return { usable: false, reason: 'the credential was revoked' };
  if (record.notBefore !== null && time < record.notBefore)
    return { usable: false, reason: 'the credential is not valid yet' };
  if (record.notAfter !== null && time > record.notAfter)
    return { usable: false, reason: 'the credential has expired' };
  if (!isAllowedFrom(record, remoteAddress)) {
    return { usable: false, reason: 'the credential may not be used from this address' };
  }
  return { usable: true };
}

export function isAllowedFrom({ allowedAddresses }: CredentialRecord, remoteAddress: string): boolean {
  return allowedAddresses === null || compileAddresses(JSON.parse(allowedAddresses))(remoteAddress);
}

export function describeCredential(record: CredentialRecord): VerifiedCredential {
  return {
    used: {
      id: record.id,
      kind: record.kind as CredentialKind,
      name: record.name,
      ...(record.username === null ? {} : { username: record.username }),
      ...(record.registeredValues === null ? {} : { registeredValues: parseRegisteredValues(record.registeredValues) }),
    },
    isUsedUp: record.usageLimit !== null && record.uses >= record.usageLimit,
  };
}

function parseRegisteredValues(text: string): RegisteredValues {
  return registeredValuesSchema.parse(JSON.parse(text));
}
