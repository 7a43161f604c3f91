/** Which certificates of a device do not fit where the device is, or would be, and why. */
import type { Catalog } from '../catalog/catalog.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import type { Device } from '../model/device.js';
import { readAlternativeNames } from '../policy/alternative-name.js';
import type { CompiledProfile } from '../policy/compile-profile.js';
import type { NameRule, NameValue } from '../policy/name-rule.js';
import { quote } from '../policy/safe-text.js';
import { readSubject } from '../policy/subject-attribute.js';
import type { CertificateRecord } from '../store/certificate-record.js';
import { decodeCertificate, extension } from '../x509/certificate.js';
import { idCeSubjectAltName } from '../x509/oids.js';

export interface UnfitCertificate {
  readonly certificate: CertificateRecord;
  /** A sentence. */
  readonly reason: string;
}

const pageSize = 100;

/** All that are neither revoked nor expired, held ones too, by their ids. */
export async function* unfitCertificates(
  device: Pick<Device, 'id' | 'division' | 'group'>,
  { store, clock, catalog }: Pick<EnrollmentServices, 'store' | 'clock' | 'catalog'>,
): AsyncGenerator<UnfitCertificate> {
  const at = clock.now().getTime();
  let after = '';
  for (;;) {
    const page = await store.certificates.unrevokedByDevice({ deviceId: device.id, at, after, limit: pageSize });
    for (const certificate of page) {
      const reason = misfitOf(certificate, device, catalog());
      if (reason !== undefined) yield { certificate, reason };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.id;
    // Certificates are decoded here, and a device may have many.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function misfitOf(
  record: CertificateRecord,
  { division, group }: Pick<Device, 'division' | 'group'>,
  { policies, groups, profiles }: Catalog,
): string | undefined {
  const policy = policies.get(record.policy)?.policy;
  if (policy === undefined) return `there is no policy ${record.policy} any more`;
  if (policy.division !== division) {
    return `policy ${policy.name} is of division ${policy.division}, the device of division ${division}`;
  }
  const open = groups.get(group)?.policies ?? [];
  if (open.length > 0 && !open.includes(policy.name)) {
    return `device group ${group} has other policies than ${policy.name}`;
  }
  const profile = profiles.get(record.profile);
  return profile && nameMisfit(record, group, profile);
}

/** Names that say the device's group; all others say the same wherever it is. */
function nameMisfit({ der }: CertificateRecord, group: string, profile: CompiledProfile): string | undefined {
  const rules: readonly NameRule[] = [...profile.subject, ...profile.subjectAltNames].filter(
    ({ source }) => source.from === 'device' && source.field.of === 'group',
  );
  if (rules.length === 0) return undefined;
  const names = namesIn(der);
  for (const { key, label, normalize } of rules) {
    const texts = names.filter((name) => name.key === key).map(({ text }) => text);
    if (!texts.includes(normalize(group))) {
      return `its ${label} is ${texts.map(quote).join(', ') || 'missing'}, which for device group ${group} is ${quote(normalize(group))}`;
    }
  }
  return undefined;
}

function namesIn(der: Uint8Array): readonly NameValue[] {
  const certificate = decodeCertificate(der);
  const alternativeNames = extension(certificate, idCeSubjectAltName);
  return [
    ...readSubject(certificate.subject),
    ...(alternativeNames === undefined ? [] : readAlternativeNames(alternativeNames)),
  ];
}
