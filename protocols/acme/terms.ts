/** Terms of service (RFC 8555 7.3, 7.3.3). */
import type { PolicyView } from '../../src/policy-view.js';
import { link } from './answer.js';
import { AcmeError } from './problem.js';
import type { AccountRecord } from './store/accounts.js';

/** @throws AcmeError `userActionRequired` for an account that has agreed to none, or to others than the present ones */
export function requireCurrentTerms({ agreedTerms }: AccountRecord, { acme }: PolicyView): void {
  const { termsOfService } = acme;
  if (termsOfService === undefined || termsOfService === agreedTerms) return;
  throw userActionRequired(
    `the terms of service have changed; read ${termsOfService} and agree by an update of the account`,
    termsOfService,
  );
}

/** Tells people where to read what they have to agree to. */
export function userActionRequired(detail: string, termsOfService: string): AcmeError {
  return new AcmeError('userActionRequired', detail, {
    members: { instance: termsOfService },
    links: [link(termsOfService, 'terms-of-service')],
  });
}
