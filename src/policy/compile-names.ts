/** Compiles a profile's rules for the subject and the subject alternative names. */
import type { CertificateProfile, SubjectAltNameRule, SubjectAttributeRule } from '../model/certificate-profile.js';
import type { CertificateTemplate, SubjectAltNameType } from '../model/certificate-template.js';
import { type AttributeType, attributeByName } from '../x509/attribute-types.js';
import type { GeneralName } from '../x509/general-names.js';
import {
  alternativeNameKey,
  alternativeNameLabel,
  alternativeNameOf,
  alternativeNameProblem,
  normalizeAlternativeName,
} from './alternative-name.js';
import { compileRulePattern, compileSource } from './compile-source.js';
import type { NameRule, ValueSource } from './name-rule.js';
import type { ProblemPath, ReportProblem } from './profile-problem.js';
import { attributeLabel, attributeProblem, encodeRdn } from './subject-attribute.js';

export interface SubjectRule extends NameRule {
  readonly attribute: AttributeType;
  /** DER RDN of a fixed value. */
  readonly fixedRdn?: Uint8Array;
}

export interface AlternativeNameRule extends NameRule {
  readonly type: SubjectAltNameType;
  /** Dotted OID of an `otherName`. */
  readonly typeId?: string;
  readonly fixedName?: GeneralName;
}

/** Compiles the subject rules in their order, which is that of the certificate. */
export function compileSubjectRules(
  { subject }: CertificateProfile,
  template: CertificateTemplate,
  report: ReportProblem,
): SubjectRule[] {
  const permitted = new Set(template.subjectAttributes.map((name) => attributeByName(name)?.oid));
  const rules = subject.flatMap((rule, i) => compileSubjectRule(rule, permitted, ['subject', i], report) ?? []);
  reportAmbiguous(rules, 'subject', report);
  return rules;
}

/** Compiles the rules for alternative names in their order, which is that of the certificate. */
export function compileAlternativeNameRules(
  { subjectAltNames }: CertificateProfile,
  template: CertificateTemplate,
  report: ReportProblem,
): AlternativeNameRule[] {
  const rules = subjectAltNames.flatMap((rule, i) => {
    const path = ['subjectAltNames', i];
    if (!template.subjectAltNames.includes(rule.type)) report([...path, 'type'], outsideTemplate(rule.type, template));
    return compileAlternativeNameRule(rule, path, report) ?? [];
  });
  reportAmbiguous(rules, 'subjectAltNames', report);
  return rules;

  function outsideTemplate(type: string, { name }: CertificateTemplate): string {
    return `${type} is not a subject alternative name of template ${name}`;
  }
}

function compileSubjectRule(
  rule: SubjectAttributeRule,
  permitted: ReadonlySet<string | undefined>,
  path: ProblemPath,
  report: ReportProblem,
): SubjectRule | undefined {
  const attribute = attributeByName(rule.attribute);
  const source = compileSource(rule, path, report);
  const pattern = compileRulePattern(rule, path, report);
  if (attribute === undefined) {
    report([...path, 'attribute'], `${rule.attribute} is no known attribute`);
    return undefined;
  }
  if (!permitted.has(attribute.oid)) {
    report([...path, 'attribute'], `${attribute.name} is not a subject attribute of the template`);
  }
  if (source === undefined) return undefined;
  const problem = (text: string) => attributeProblem(attribute, text);
  const shared = { key: attribute.oid, label: attributeLabel(attribute.oid), attribute, source, problem };
  const limits = { required: rule.required, maximum: rule.maximum, normalize: (text: string) => text };
  const compiled = { ...shared, ...limits, ...(pattern === undefined ? {} : { pattern }) };
  if (source.from !== 'fixed') return compiled;
  if (reportFixedValue(compiled, source.value, path, report)) return undefined;
  return { ...compiled, fixedRdn: encodeRdn(attribute, source.value) };
}

function compileAlternativeNameRule(
  rule: SubjectAltNameRule,
  path: ProblemPath,
  report: ReportProblem,
): AlternativeNameRule | undefined {
  const { type, typeId, wildcard } = rule;
  if ((type === 'otherName') !== (typeId !== undefined)) {
    report([...path, 'typeId'], type === 'otherName' ? 'is needed with type otherName' : 'is for type otherName only');
  }
  if (wildcard && type !== 'dns') report([...path, 'wildcard'], 'is for type dns only');
  const source = compileTextSource(rule, path, report);
  const pattern = compileRulePattern(rule, path, report);
  if (source === undefined) return undefined;
  const key = alternativeNameKey(type, typeId);
  const compiled = {
    key,
    label: alternativeNameLabel(key),
    type,
    ...(typeId === undefined ? {} : { typeId }),
    source,
    required: rule.required,
    maximum: rule.maximum,
    ...(pattern === undefined ? {} : { pattern }),
    normalize: (text: string) => normalizeAlternativeName(type, text),
    problem: (text: string) => alternativeNameProblem(type, text, wildcard),
  };
  if (source.from !== 'fixed') return compiled;
  const value = compiled.normalize(source.value);
  if (reportFixedValue(compiled, value, path, report)) return undefined;
  if (type === 'otherName' && typeId === undefined) return undefined;
  return { ...compiled, source: { from: 'fixed', value }, fixedName: alternativeNameOf(type, value, typeId) };
}

/** A name that is no text cannot come from anywhere but the request. */
function compileTextSource(
  rule: SubjectAltNameRule,
  path: ProblemPath,
  report: ReportProblem,
): ValueSource | undefined {
  const isText = rule.type !== 'directoryName' && rule.type !== 'registeredId';
  if (isText || rule.source === 'request') return compileSource(rule, path, report);
  report([...path, 'source'], `of a ${rule.type} can only be request`);
  return undefined;
}

function reportFixedValue(rule: NameRule, value: string, path: ProblemPath, report: ReportProblem): boolean {
  const problem = rule.problem(value);
  if (problem !== undefined) report([...path, 'value'], problem);
  return problem !== undefined;
}

/** Two rules that both copy from the request would leave open which takes what. */
function reportAmbiguous(rules: readonly NameRule[], list: string, report: ReportProblem): void {
  const requested = new Set<string>();
  rules.forEach(({ key, label, source }, i) => {
    if (source.from !== 'request') return;
    if (requested.has(key)) {
      report([list, i], `a second rule takes ${label} from the request; raise the maximum of the first`);
    }
    requested.add(key);
  });
}
