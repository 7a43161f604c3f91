/** Compiles key usages, extended key usages and path length, and checks them against the template. */
import type { CertificateProfile } from '../model/certificate-profile.js';
import { type CertificateTemplate, extendedKeyUsageOids, type KeyUsageName } from '../model/certificate-template.js';
import { encodeExtension, encodeExtKeyUsage, encodeKeyUsage } from '../x509/extensions.js';
import { idCeExtKeyUsage, idCeKeyUsage, idKpTimeStamping } from '../x509/oids.js';
import { fittingKeyUsages, type KeyKind } from './key-kind.js';
import type { ReportProblem } from './profile-problem.js';

interface CompiledKeyUsages {
  /** Without those that the kind of key cannot serve. */
  readonly names: readonly KeyUsageName[];
  /** DER Extension; meaningless when there are no names. */
  readonly extension: Uint8Array;
}

export type KeyUsagesByKind = Readonly<Record<KeyKind, CompiledKeyUsages>>;

/** Encodes the key usage once for each kind of key. */
export function compileKeyUsages({ keyUsages }: CertificateProfile): KeyUsagesByKind {
  const compile = (kind: KeyKind): CompiledKeyUsages => {
    const names = fittingKeyUsages(kind, keyUsages);
    return { names, extension: keyUsageExtension(names) };
  };
  return {
    rsa: compile('rsa'),
    'rsa-pss': compile('rsa-pss'),
    ec: compile('ec'),
    edwards: compile('edwards'),
    montgomery: compile('montgomery'),
  };
}

/** DER Extension, critical (RFC 5280 4.2.1.3). */
export function keyUsageExtension(names: readonly KeyUsageName[]): Uint8Array {
  return encodeExtension({ id: idCeKeyUsage, critical: true, value: encodeKeyUsage(names) });
}

/** DER Extension; critical only for time stamping alone, as RFC 3161 2.3 demands. */
export function extendedKeyUsageExtension(purposes: readonly string[]): Uint8Array {
  const critical = purposes.length === 1 && purposes[0] === idKpTimeStamping;
  return encodeExtension({ id: idCeExtKeyUsage, critical, value: encodeExtKeyUsage(purposes) });
}

/** The configured name of an extended key usage, or its dotted OID. */
export function extendedKeyUsageName(id: string): string {
  return namesOfPurposes.get(id) ?? id;
}

/** Reports usages and path lengths that leave the template or contradict each other. */
export function checkUsages(profile: CertificateProfile, template: CertificateTemplate, report: ReportProblem): void {
  const { keyUsages, extendedKeyUsages } = profile;
  if (keyUsages.length === 0) report(['keyUsages'], 'at least one is needed');
  keyUsages.forEach((usage, i) => {
    if (!template.keyUsages.includes(usage)) report(['keyUsages', i], `${usage} is not a key usage of the template`);
    if (keyUsages.indexOf(usage) < i) report(['keyUsages', i], `${usage} is listed twice`);
  });
  extendedKeyUsages.forEach((usage, i) => {
    const path = ['extendedKeyUsages', i];
    if (!template.extendedKeyUsages.includes(usage)) {
      report(path, `${extendedKeyUsageName(usage)} is not an extended key usage of the template`);
    }
    if (extendedKeyUsages.indexOf(usage) < i) report(path, `${extendedKeyUsageName(usage)} is listed twice`);
  });
  checkBasicConstraints(profile, template, report);
}

/** RFC 5280 4.2.1.3 and 4.2.1.9: a path length and keyCertSign belong to CA certificates, and to all of them. */
function checkBasicConstraints(
  { keyUsages, pathLength }: CertificateProfile,
  { basicConstraints: { ca, maximumPathLength } }: CertificateTemplate,
  report: ReportProblem,
): void {
  if (!ca) {
    if (pathLength !== undefined) report(['pathLength'], 'is for CA certificates, which the template does not allow');
    for (const usage of ['keyCertSign', 'cRLSign'] as const) {
      if (keyUsages.includes(usage)) {
        report(
          ['keyUsages', keyUsages.indexOf(usage)],
          `${usage} is for CA certificates, which the template does not allow`,
        );
      }
    }
    return;
  }
  if (!keyUsages.includes('keyCertSign')) report(['keyUsages'], 'keyCertSign is needed in CA certificates');
  if (pathLength === undefined) report(['pathLength'], 'is needed for CA certificates');
  else if (maximumPathLength !== undefined && pathLength > maximumPathLength) {
    report(['pathLength'], `is at most ${maximumPathLength} by the template`);
  }
}

const namesOfPurposes = new Map([...extendedKeyUsageOids].map(([name, id]) => [id, name]));
