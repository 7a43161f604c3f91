/** Certificates that are not confirmed in time: they are revoked, and what they were to replace stays. */
import { GatewayError, OvertakenError } from '../errors.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Statement } from '../store/change.js';
import type { Store } from '../store/store.js';
import { certificateEvent } from './certificate-event.js';
import { holderOf } from './certificate-holder.js';
import { revocationStatements } from './revoke.js';
import type { EnrollmentServices } from './services.js';

type LapseServices = Pick<EnrollmentServices, 'store' | 'clock'>;

/**
 * Why certificates are revoked that nobody has taken: RFC 5280 has no reason for that. This one says that the certificate is
 * not needed, and nothing against its key or its holder.
 */
export const unwanted = 'cessationOfOperation';

/** Revokes all whose time to be confirmed is over. */
export async function revokeLapsed(services: LapseServices): Promise<void> {
  const lapsed = await services.store.certificates.lapsed({ at: services.clock.now().getTime(), limit: maximumAtOnce });
  await Promise.all(lapsed.map((record) => lapse(record, services)));
}

/** The others follow in the next round. */
const maximumAtOnce = 200;

/** Revokes one of them, unless somebody else has done so meanwhile. */
export async function lapse(record: CertificateRecord, { store, clock }: LapseServices): Promise<void> {
  const holder = await holderOf(record, store);
  const at = clock.now();
  const { requestId } = record;
  const event = certificateEvent('certificate.lapsed', record, { at, holder }, { requestId, reason: unwanted });
  try {
    await store.commit({ statements: unconfirmedStatements(record, at, store), audit: [event] });
  } catch (error) {
    const isDone =
      error instanceof OvertakenError || (error instanceof GatewayError && error.code === 'already-revoked');
    if (!isDone) throw error;
  }
}

/** Revokes a certificate that is still unconfirmed, and refuses the change as 'unavailable' if it is not. */
export function unconfirmedStatements(record: CertificateRecord, at: Date, store: Store): Statement[] {
  const { id, confirmBy } = record;
  return [
    store.certificates.requireUnconfirmed({ id, confirmBy: confirmBy ?? 0 }),
    ...revocationStatements(record, { at, reason: unwanted }, store),
  ];
}
