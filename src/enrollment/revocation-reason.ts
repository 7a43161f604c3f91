/** The reasons that end a certificate for good. A hold is an act of its own, and removeFromCRL belongs to delta CRLs. */
import type { RevocationReason } from '../x509/crl.js';

export const finalReasons = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
  'aACompromise',
] as const satisfies readonly RevocationReason[];

/** What `revokeCertificate` takes: a final reason, or a hold. */
export type RequestedReason = (typeof finalReasons)[number] | 'certificateHold';

/** The invalidity date of RFC 5280 5.3.2: not in the future, and of a year that a GeneralizedTime has room for. */
export function isInvalidityDate(time: Date, now: Date): boolean {
  return time <= now && time.getUTCFullYear() >= 0;
}

/** What messages may ask for; `removeFromCRL` is the end of a hold. */
export const messageReasons = [...finalReasons, 'certificateHold', 'removeFromCRL'] as const;
export type MessageReason = (typeof messageReasons)[number];
