/** Whether a credential can be used. */
import type { CredentialRecord } from '../store/credential-repository.js';

export const credentialStates = ['valid', 'not-yet-valid', 'expired', 'used-up', 'revoked'] as const;
export type CredentialState = (typeof credentialStates)[number];

export function credentialState(
  {
    revokedAt,
    notBefore,
    notAfter,
    uses,
    usageLimit,
  }: Pick<CredentialRecord, 'revokedAt' | 'notBefore' | 'notAfter' | 'uses' | 'usageLimit'>,
  now: Date,
): CredentialState {
  const at = now.getTime();
  if (revokedAt !== null) return 'revoked';
  if (notAfter !== null && at > notAfter) return 'expired';
  if (notBefore !== null && at < notBefore) return 'not-yet-valid';
  return usageLimit !== null && uses >= usageLimit ? 'used-up' : 'valid';
}
