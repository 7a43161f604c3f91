/** What a request does to the credentials that authenticate it. */
import type { Identity, UsedCredential } from '../policy/identity.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

/** Those that are kept, and can be used up or revoked. */
export function keptCredentials({ credentials }: Pick<Identity, 'credentials'>): readonly UsedCredential[] {
  return credentials.filter(({ kind }) => kind !== 'operator');
}

/** Counts a use, unless that was done before: then the credential only has to be good still. */
export function useStatement({ id, isCounted }: UsedCredential, now: Date, { credentials }: Store): Statement {
  return isCounted ? credentials.requireUnrevoked({ id }) : credentials.consume({ id, now: now.getTime() });
}
