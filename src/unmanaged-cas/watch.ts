/** Says which CRL of an unmanaged CA is watched. */
import { z } from 'zod';
import type { Scope } from '../access/principal.js';
import { type Actor, byActor } from '../audit/actor.js';
import { createAuditRecord } from '../audit/audit-record.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { requireVisibleCa } from './find.js';

/** Where a CRL is: `http:` or `https:`, without credentials. */
export const crlUrlSchema = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine((text) => {
    const { username, password } = new URL(text);
    return username === '' && password === '';
  }, 'a URL without credentials');

/** Watches the CRL at a URL from now on, or none. @throws GatewayError `not-found` */
export async function watchCrl(
  id: string,
  scope: Scope,
  { url, actor }: { readonly url: string | null; readonly actor: Actor },
  { store, clock }: Pick<EnrollmentServices, 'store' | 'clock'>,
): Promise<void> {
  const { crlUrl, deviceId, division, subject } = await requireVisibleCa(id, scope, { store });
  if (crlUrl === url) return;
  const at = clock.now();
  await store.commit({
    statements: [store.unmanagedCas.watch({ id, crlUrl: url, crlDueAt: url === null ? null : at.getTime() })],
    audit: [
      createAuditRecord({
        at,
        action: 'unmanaged-ca.crl-watched',
        outcome: 'success',
        subject: id,
        device: deviceId,
        details: { url, before: crlUrl, name: subject, division: division || undefined, ...byActor(actor) },
      }),
    ],
  });
}
