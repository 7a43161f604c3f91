/** A CA certificate for a gateway is an unmanaged CA from its commit on; its renewals are that same one. */
import { createAuditRecord } from '../audit/audit-record.js';
import { createIdentifier } from '../identifier.js';
import type { Facts, KnownCertificate } from '../policy/facts.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import type { Change } from '../store/change.js';
import type { Store } from '../store/store.js';
import { namesEqual } from '../x509/names.js';
import type { Issuance } from './issuance.js';

/** What is committed with a certificate: nothing, unless it is that of a CA. */
export async function unmanagedCaChange(
  { facts, decision, now }: Pick<Issuance, 'facts' | 'decision' | 'now'>,
  certificate: Pick<CertificateRecord, 'id' | 'deviceId' | 'subject'>,
  { unmanagedCas }: Pick<Store, 'unmanagedCas'>,
): Promise<Change> {
  if (facts.usage !== 'intermediate') return { statements: [], audit: [] };
  const { id: certificateId, deviceId, subject } = certificate;
  for (const earlier of earlierOf(facts, deviceId, decision.issuance.subject)) {
    const known = await unmanagedCas.findByCertificate({ certificateId: idOf(earlier) });
    if (known === undefined) continue;
    return { statements: [unmanagedCas.addCertificate({ certificateId, unmanagedCaId: known.id })], audit: [] };
  }
  const id = createIdentifier();
  const { division } = facts.policy;
  return {
    statements: [
      unmanagedCas.insert({ id, division, deviceId, subject, createdAt: now.getTime() }),
      unmanagedCas.addCertificate({ certificateId, unmanagedCaId: id }),
    ],
    audit: [
      createAuditRecord({
        at: now,
        action: 'unmanaged-ca.created',
        outcome: 'success',
        subject: id,
        device: deviceId,
        details: { division, name: subject, certificate: certificateId },
      }),
    ],
  };
}

/** Which certificates are of the same CA: the one that is renewed, and those of the device with the same key and name. */
function earlierOf(
  { replaces, sameKey }: Pick<Facts, 'replaces' | 'sameKey'>,
  deviceId: string | null,
  subject: Uint8Array,
): readonly KnownCertificate[] {
  const isSame = (other: KnownCertificate) => other.deviceId === deviceId && namesEqual(other.subject, subject);
  return [...(replaces ? [replaces] : []), ...sameKey.filter(isSame)].filter(({ usage }) => usage === 'intermediate');
}

function idOf({ issuerId, serialNumber }: KnownCertificate): string {
  return certificateId(issuerId, serialNumber);
}
