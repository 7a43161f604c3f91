/** Compiles a profile's rules for further extensions. */
import type { CertificateProfile, ExtensionRule } from '../model/certificate-profile.js';
import type { CertificateTemplate } from '../model/certificate-template.js';
import { encodeExtension } from '../x509/extensions.js';
import {
  idCeAuthorityKeyIdentifier,
  idCeBasicConstraints,
  idCeCertificatePolicies,
  idCeCrlDistributionPoints,
  idCeExtKeyUsage,
  idCeKeyUsage,
  idCeNameConstraints,
  idCeSubjectAltName,
  idCeSubjectKeyIdentifier,
  idPeAuthorityInfoAccess,
} from '../x509/oids.js';
import { compileRulePattern, compileSource } from './compile-source.js';
import { type ExtensionEncoding, encodeExtensionText } from './extension-text.js';
import type { NameRule, ValueSource } from './name-rule.js';
import type { ProblemPath, ReportProblem } from './profile-problem.js';

export interface CompiledExtensionRule {
  /** Dotted OID. */
  readonly id: string;
  readonly critical: boolean;
  readonly encoding: ExtensionEncoding;
  readonly source: ValueSource;
  readonly required: boolean;
  readonly pattern?: NameRule['pattern'];
  /** Of a fixed value: its DER inside the extension, and the whole DER Extension. */
  readonly fixed?: { readonly value: Uint8Array; readonly extension: Uint8Array };
}

/** Compiles the rules; fixed values are encoded here. */
export function compileExtensionRules(
  { extensions }: CertificateProfile,
  template: CertificateTemplate,
  report: ReportProblem,
): CompiledExtensionRule[] {
  return extensions.flatMap((rule, i) => {
    const path = ['extensions', i];
    if (decidedElsewhere.has(rule.id)) {
      report([...path, 'id'], `${rule.id} has settings of its own or is added by the CA`);
    } else if (!template.extensions.includes(rule.id))
      report([...path, 'id'], `${rule.id} is not an extension of the template`);
    if (extensions.findIndex(({ id }) => id === rule.id) < i) report([...path, 'id'], `${rule.id} has a rule already`);
    return compileExtensionRule(rule, path, report) ?? [];
  });
}

function compileExtensionRule(
  rule: ExtensionRule,
  path: ProblemPath,
  report: ReportProblem,
): CompiledExtensionRule | undefined {
  const source = compileSource(rule, path, report);
  const pattern = compileRulePattern(rule, path, report);
  if (source === undefined) return undefined;
  const { id, critical, encoding, required } = rule;
  const compiled = { id, critical, encoding, source, required, ...(pattern === undefined ? {} : { pattern }) };
  if (source.from !== 'fixed') return compiled;
  const value = encodeExtensionText(encoding, source.value);
  if (value !== undefined) {
    return { ...compiled, fixed: { value, extension: encodeExtension({ id, critical, value }) } };
  }
  report([...path, 'value'], `does not fit the encoding ${encoding}`);
  return undefined;
}

const decidedElsewhere: ReadonlySet<string> = new Set([
  idCeSubjectAltName,
  idCeKeyUsage,
  idCeExtKeyUsage,
  idCeBasicConstraints,
  idCeNameConstraints,
  idCeCertificatePolicies,
  idCeSubjectKeyIdentifier,
  idCeAuthorityKeyIdentifier,
  idCeCrlDistributionPoints,
  idPeAuthorityInfoAccess,
]);
