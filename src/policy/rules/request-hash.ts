/** The hash of the request's own signature. */
import { signatureHashes } from '../../model/message-protection.js';
import { denied, ok, type Verdict } from '../decision.js';
import type { Draft } from '../draft.js';

/** SHA-1 passes only where the template names it. */
export function checkRequestHash({ requested: { requestHash }, facts: { profile } }: Draft): Verdict {
  if (requestHash === undefined) return ok('the request has no signature with a hash of its own');
  const { name, requestHashes: permitted } = profile.template;
  const hash = signatureHashes.find((known) => known === requestHash);
  if (hash !== undefined && permitted.includes(hash)) return ok(`the request is signed with ${hash}`);
  const better = everywhereKnown.find((known) => permitted.includes(known)) ?? permitted[0];
  return denied(
    'unsupported-algorithm',
    `requests signed with ${hash ?? 'this hash'} are not taken by template ${name}${better === undefined ? '' : `; use ${better}`}`,
  );
}

/** The others are for CMP alone. */
const everywhereKnown = ['sha256', 'sha384', 'sha512'] as const;
