/** What a request does to the credentials that authenticate it. */
import type { UsedCredential } from '../policy/identity.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';

/** Counts a use, unless that was done before: then the credential only has to be good still. */
export function useStatement({ id, isCounted }: UsedCredential, now: Date, { credentials }: Store): Statement {
  return isCounted ? credentials.requireUnrevoked({ id }) : credentials.consume({ id, now: now.getTime() });
}

/** An operator is no credential of an authentication policy: there are no uses to count. */
export function isOnRecord({ kind }: UsedCredential): boolean {
  return kind !== 'operator';
}
