/** Compiles a profile within its template: checked as a whole once, everything constant encoded once. */
import type { CertificateProfile } from '../model/certificate-profile.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import { attributeByName } from '../x509/attribute-types.js';
import { encodeExtension } from '../x509/extensions.js';
import { encodeCertificatePolicies } from '../x509/location-extensions.js';
import { idCeCertificatePolicies } from '../x509/oids.js';
import { type CompiledExtensionRule, compileExtensionRules } from './compile-extensions.js';
import { type CompiledNameConstraints, compileNameConstraints } from './compile-name-constraints.js';
import {
  type AlternativeNameRule,
  compileAlternativeNameRules,
  compileSubjectRules,
  type SubjectRule,
} from './compile-names.js';
import { checkUsages, compileKeyUsages, extendedKeyUsageExtension, type KeyUsagesByKind } from './compile-usages.js';
import type { ProfileProblem, ReportProblem } from './profile-problem.js';

export interface CompiledProfile {
  readonly name: string;
  readonly profile: CertificateProfile;
  readonly template: CertificateTemplate;
  readonly subject: readonly SubjectRule[];
  readonly subjectAltNames: readonly AlternativeNameRule[];
  readonly extensions: readonly CompiledExtensionRule[];
  /** By kind of key, since not every key serves every usage. */
  readonly keyUsages: KeyUsagesByKind;
  /** DER Extension of all extended key usages; absent without any. */
  readonly extendedKeyUsage?: Uint8Array;
  /** Absent without name constraints. */
  readonly nameConstraints?: CompiledNameConstraints;
  /** DER Extension; absent without policies. */
  readonly certificatePolicies?: Uint8Array;
  /** That its certificates do not say where their CRL, OCSP responder and issuer are: those of OCSP responders (RFC 5019 2.2.2). */
  readonly locations?: 'none';
}

/** A profile that cannot be compiled, with everything that is wrong with it. */
export class ProfileError extends Error {
  readonly problems: readonly ProfileProblem[];

  constructor(profile: string, problems: readonly ProfileProblem[]) {
    super(`profile ${profile}: ${problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`);
    this.name = 'ProfileError';
    this.problems = problems;
  }
}

/**
 * Compiles a profile.
 * @throws ProfileError with everything that is wrong: what leaves the template, unknown names, missing or misplaced
 * settings, patterns that are none or could take long to match
 */
export function compileProfile(profile: CertificateProfile, template: CertificateTemplate): CompiledProfile {
  const problems: ProfileProblem[] = [];
  const report: ReportProblem = (path, message) => problems.push({ path, message });
  checkTemplate(template, report);
  checkValidity(profile, template, report);
  checkUsages(profile, template, report);
  const rules = {
    subject: compileSubjectRules(profile, template, report),
    subjectAltNames: compileAlternativeNameRules(profile, template, report),
    extensions: compileExtensionRules(profile, template, report),
  };
  const nameConstraints = compileNameConstraints(profile, template, report);
  if (rules.subject.length + rules.subjectAltNames.length === 0 && problems.length === 0) {
    report(['subject'], 'a certificate needs a subject or a subject alternative name');
  }
  if (problems.length > 0) throw new ProfileError(profile.name, problems);
  const { extendedKeyUsages, certificatePolicies } = profile;
  return {
    name: profile.name,
    profile,
    template,
    ...rules,
    keyUsages: compileKeyUsages(profile),
    ...(nameConstraints === undefined ? {} : { nameConstraints }),
    ...(extendedKeyUsages.length === 0 ? {} : { extendedKeyUsage: extendedKeyUsageExtension(extendedKeyUsages) }),
    ...(certificatePolicies.length === 0 ? {} : { certificatePolicies: policiesExtension(certificatePolicies) }),
  };
}

function checkTemplate(template: CertificateTemplate, report: ReportProblem): void {
  for (const name of template.subjectAttributes) {
    if (attributeByName(name) === undefined) {
      report(['template'], `${template.name} has an unknown subject attribute ${name}`);
    }
  }
}

function checkValidity(
  { validity }: CertificateProfile,
  { name, minimumValidity, maximumValidity }: CertificateTemplate,
  report: ReportProblem,
): void {
  if (validity === 0) report(['validity'], 'is at least a second');
  if (validity > maximumValidity) report(['validity'], `is at most ${maximumValidity} seconds by template ${name}`);
  if (minimumValidity !== undefined && validity < minimumValidity) {
    report(['validity'], `is at least ${minimumValidity} seconds by template ${name}`);
  }
}

function policiesExtension(policies: readonly string[]): Uint8Array {
  const value = encodeCertificatePolicies(policies);
  return encodeExtension({ id: idCeCertificatePolicies, critical: false, value });
}
