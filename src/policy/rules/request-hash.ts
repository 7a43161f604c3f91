/** The hash of the request's own signature. */
import { requestHashes } from '../../model/certificate-template.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** SHA-1 passes only where the template names it. */
export function checkRequestHash({ requested: { requestHash }, facts: { profile } }: Draft): Verdict {
  if (requestHash === undefined) return ok('the request has no signature with a hash of its own');
  const { name, requestHashes: permitted } = profile.template;
  const hash = requestHashes.find((known) => known === requestHash);
  if (hash !== undefined && permitted.includes(hash)) return ok(`the request is signed with ${hash}`);
  return denied(
    'unsupported-algorithm',
    `requests signed with ${hash ?? 'this hash'} are not taken by template ${name}`,
  );
}
