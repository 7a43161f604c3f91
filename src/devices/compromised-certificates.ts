/** Certificates whose keys are compromised with their device. */
import { type Actor, byActor } from '../audit/actor.js';
import { certificateEvent } from '../enrollment/certificate-event.js';
import { compromiseStatements, revocationStatements } from '../enrollment/revoke.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import type { Change } from '../store/change.js';
import type { DeviceRecord } from '../store/device-record.js';
import { revocationReasonOf } from '../x509/crl.js';

interface Cause {
  readonly at: Date;
  /** Since when the keys are suspected (RFC 5280 5.3.2). */
  readonly since?: Date;
  readonly actor: Actor;
  readonly device: Pick<DeviceRecord, 'division' | 'name'>;
}

/** Revokes them; of those that are revoked for another reason the reason is changed, and when they were revoked stays. */
export function compromisesOf(
  certificates: readonly CertificateRecord[],
  { at, since, actor, device }: Cause,
  { store }: Pick<EnrollmentServices, 'store'>,
): Change {
  const holder = { division: device.division, device: device.name };
  const because = 'the device is compromised';
  const invalidity = since === undefined ? {} : { invalidityDate: since };
  return {
    statements: [
      ...certificates.flatMap((record) => {
        const revocation = { at, reason: reasonFor(record), ...invalidity };
        return record.status === 'revoked'
          ? compromiseStatements(record, revocation, store)
          : revocationStatements(record, revocation, store);
      }),
      // Whoever publishes them next may do so after a crash.
      ...placesOf(certificates).map((place) => store.crls.hasten(place)),
    ],
    audit: certificates.map((record) => {
      const { status, revocationReason } = record;
      const before =
        status === 'revoked' && revocationReason !== null ? revocationReasonOf(revocationReason) : undefined;
      return certificateEvent(
        'certificate.revoked',
        record,
        { at, holder },
        { reason: reasonFor(record), reasonBefore: before, ...invalidity, ...byActor(actor), because },
      );
    }),
  };
}

/** RFC 5280 5.3.1: the key of a CA has a reason of its own. */
function reasonFor({ usage }: CertificateRecord): 'keyCompromise' | 'cACompromise' {
  return usage === 'intermediate' ? 'cACompromise' : 'keyCompromise';
}

/** Each part of a CRL that they belong to, once. */
function placesOf(certificates: readonly CertificateRecord[]) {
  const places = certificates.map(({ issuerId, crlPartition: partition }) => ({ issuerId, partition }));
  return [...new Map(places.map((place) => [`${place.issuerId}/${place.partition}`, place])).values()];
}
